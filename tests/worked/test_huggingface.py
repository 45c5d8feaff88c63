"""Transformers' DynamicCache by hand: padded batches, KV copied to longer tensors at each step, out of memory, halves.

Forty slots in granules of 4 and tensors of a quarter of the KV each. While one tensor exists twice, n slots need n/4
more: 32 is the most that can be held, 8 a row in a batch of four, 16 in one of two.

A step takes 10 + rows + prompt positions, padding and finished rows included, + slots copied + 2 per slot that the
tensors grow by (ps).

| | arrival | prompt | max_new | output |
|---|---|---|---|---|
| A | 0 | 2 | 8 | 2 |
| B | 0 | 4 | 10 | 7 |
| C | 0 | 3 | 8 | 6 |
| D | 0 | 1 | 6 | 3 |
| E | 30 | 5 | 9 | 2 |
"""

from dataclasses import replace

from s3sim.policies.registry import HuggingFace
from tests.support.latency import PaddedLatency
from tests.support.worlds import Row, world
from tests.worked.tables import columns, events, steps, table

CHOICES = HuggingFace(batch_size=4, granule_slots=4, tensors=4, delivery="batch_end")
WORLD = world(
    "huggingface",
    [
        Row(arrival=0, prompt=2, max_new=8, output=2),
        Row(arrival=0, prompt=4, max_new=10, output=7),
        Row(arrival=0, prompt=3, max_new=8, output=6),
        Row(arrival=0, prompt=1, max_new=6, output=3),
        Row(arrival=30, prompt=5, max_new=9, output=2),
    ],
    capacity=40,
    choices=CHOICES,
    latency=PaddedLatency(per_copied=1, per_allocated=2),
)

STEPS = """
#  start end held prefill decode
   0     26  16   ABCD    -      # 4 x 4 positions
  26     64  20   -       ABCD   # 10 + 4 rows + 16 copied + 2 x 4; A's second token
  64    106  24   -       BCD    # 10 + 4 + 20 + 8: A's row is there to the end; D's third token
 106    152  28   -       BC     # 10 + 4 + 24 + 8
 152    202  32   -       BC     # 10 + 4 + 28 + 8
 202    220   8   AB      -      # 36 slots and a copy of 9 are too many: all is lost; 2 x 4 positions
 220    244  12   -       AB     # 10 + 2 + 8 + 4, 2 x 5 slots in granules; A's second token
 244    270  12   -       B      # 10 + 2 + 10 + 4, 2 x 6
 270    298  16   -       B      # 2 x 7
 298    328  16   -       B
 328    360  20   -       B      # 2 x 9: more than a row of four could have
 360    394  20   -       B      # B's seventh token
 394    410   8   CD      -      # 2 x 3 positions
 410    432   8   -       CD     # 10 + 2 + 6 + 4, 2 x 4
 432    456  12   -       CD     # D's third token
 456    482  12   -       C
 482    510  16   -       C
 510    540  16   -       C      # C's sixth token
 540    555   8   E       -      # 5 positions in 8 slots
 555    573   8   -       E      # 10 + 1 + 5 + 2
"""

COLUMNS = ("padding_tokens", "padding_rows", "decode_context", "padding_slots", "copied_slots")
PADDING = """
# prompt finished context padding copied
  6      0         0       0       0      # A is 2 short of B, C 1, D 3
  0      0        10       6      16      # 2 + 4 + 3 + 1 slots of 4 rows of 4
  0      1        11       9      20      # 5 + 4 + 2 of 4 rows of 5
  0      2        11      13      24      # 6 + 5 of 4 x 6
  0      2        13      15      28      # 7 + 6 of 4 x 7
  2      0         0       0       0
  0      0         6       2       8      # 2 + 4 of 2 x 4
  0      1         5       5      10
  0      1         6       6      12
  0      1         7       7      14
  0      1         8       8      16
  0      1         9       9      18
  2      0         0       0       0
  0      0         4       2       6
  0      0         6       2       8
  0      1         5       5      10
  0      1         6       6      12
  0      1         7       7      14
  0      0         0       0       0
  0      0         5       0       5
"""

EVENTS = """
   0 ARRIVED   A  2  8
   0 ARRIVED   B  4 10
   0 ARRIVED   C  3  8
   0 ARRIVED   D  1  6
   0 ADMITTED  A  2  0     # so long are the rows when each is added
   0 ADMITTED  B  4  0
   0 ADMITTED  C  4  0
   0 ADMITTED  D  4  0
  26 PREFILLED A  1  2
  26 PREFILLED B  1  4
  26 PREFILLED C  1  3
  26 PREFILLED D  1  1
  30 ARRIVED   E  5  9
 202 PREEMPTED A  3  2     # finished, but nobody has its answer
 202 PREEMPTED B  8  2
 202 PREEMPTED C  7  2
 202 PREEMPTED D  3  2
 202 ADMITTED  A  2  0
 202 ADMITTED  B  4  0
 220 PREFILLED A  1  2
 220 PREFILLED B  1  4
 394 FINISHED  A  2  1
 394 FINISHED  B  7  1
 394 ADMITTED  C  3  0     # its batch was lost too: no more than two rows
 394 ADMITTED  D  3  0
 410 PREFILLED C  1  3
 410 PREFILLED D  1  1
 540 FINISHED  C  6  1
 540 FINISHED  D  3  1
 540 ADMITTED  E  5  0
 555 PREFILLED E  1  5
 573 FINISHED  E  2  0
 573 IDLE      -  0  0
"""

ONE_BY_ONE = """
#  start end held prefill decode
   0     26  16   ABCD    -
  26     64  20   -       ABCD   # A has its answer
  64    106  24   -       BCD    # and D
 106    152  28   -       BC
 152    202  32   -       BC
 202    220   8   BC      -      # these two alone begin again
 220    244  12   -       BC
 244    270  12   -       BC
 270    298  16   -       BC
 298    328  16   -       BC
 328    360  20   -       BC     # C's sixth token
 360    394  20   -       B
 394    409   8   E       -
 409    427   8   -       E
"""


def test_a_dynamic_cache_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times, slots, padding and copies, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert columns(WORLD, *COLUMNS) == table(PADDING)
    assert events(WORLD) == table(EVENTS)


def test_answers_that_were_delivered_are_not_lost_with_their_batch() -> None:
    """With `delivery: token` only the rows that were not finished begin again."""
    assert steps(WORLD.but(choices=replace(CHOICES, delivery="token"))) == table(ONE_BY_ONE)


def test_a_batch_that_runs_out_of_memory_fails_where_nobody_halves() -> None:
    """With `on_oom: fail` the four are rejected at 202, and the next batch is a full one again."""
    found = events(WORLD.but(choices=replace(CHOICES, on_oom="fail")))
    assert [line for line in found if "REJECTED" in line or "FINISHED" in line] == table("""
     202 REJECTED A 2 3
     202 REJECTED B 4 3
     202 REJECTED C 3 3
     202 REJECTED D 1 3
     235 FINISHED E 2 0    # 202 + 15 + 18
    """)
