"""Sarathi by hand: decodes first, then prompts in chunks up to a token budget; blocks, recompute of the last arrived.

Twenty-four slots are six blocks of 4; a step has 6 tokens at most, and takes 10 + decode rows + prompt tokens (ps).

| | arrival | prompt | max_new | output |
|---|---|---|---|---|
| A | 0 | 7 | 10 | 6 |
| B | 0 | 9 | 10 | 5 |
| C | 0 | 3 | 6 | 3 |
| D | 15 | 2 | 4 | 2 |
| E | 15 | 20 | 8 | 1: seven blocks |

The working shows blocks as held by A + B + C + D of 6, and (cached) where a block is needed.
"""

from s3sim.policies.registry import Sarathi
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import chunks, events, steps, table

WORLD = world(
    "sarathi",
    [
        Row(arrival=0, prompt=7, max_new=10, output=6),
        Row(arrival=0, prompt=9, max_new=10, output=5),
        Row(arrival=0, prompt=3, max_new=6, output=3),
        Row(arrival=15, prompt=2, max_new=4, output=2),
        Row(arrival=15, prompt=20, max_new=8, output=1),
    ],
    capacity=24,
    choices=Sarathi(block_tokens=4, token_budget=6),
    latency=LinearLatency(base=10, per_row=1, per_token=1),
)

STEPS = """
#  start end held prefill decode
   0     16   8   A       -      # 2: no token is left for B
   16    32  20   AB      -      # 2 + 3
   32    48  24   BC      A      # 2 + 3 + 1: the budget is 5 beside A's decode
   48    60  24   -       AB     # A (8) finds no block: C, last arrived, gives its up; so nobody is admitted
   60    72  24   -       AB     # 3 + 3: none for C
   72    84  24   -       AB
   84    95  12   -       A      # B (12) finds none and is itself the last arrived; A's sixth token
   95   111  16   B       -      # 4: prompt 9 + 4 generated = 13 tokens to compute again
  111   127  16   B       -      # 7 are left of it, more than the budget: no admission
  127   143  24   BCD     -      # 4 + 1 + 1: the token that B's prefill emits is its last
  143   155   8   -       CD     # 1 + 1; D's second token
  155   166   8   -       C      # C (4) takes a second block, and emits its third token
"""

CHUNKS = """
A6          # of 7
A1 B5
B4 C1       # C's first of 3
-
-
-
-
B6
B6
B1 C3 D2    # C from its beginning
-
-
"""

EVENTS = """
   0 ARRIVED   A  7 10
   0 ARRIVED   B  9 10
   0 ARRIVED   C  3  6
   0 ADMITTED  A  8  0
  15 ARRIVED   D  2  4
  15 ARRIVED   E 20  8
  15 REJECTED  E 20  1
  16 ADMITTED  B 12  0
  32 PREFILLED A  1  7
  32 ADMITTED  C  4  0
  48 PREFILLED B  1  9
  48 PREEMPTED C  1  0     # one slot was written
  48 GROWN     A  4 12
  84 PREEMPTED B 12  0
  95 FINISHED  A  6  0
  95 ADMITTED  B 16  0
 127 ADMITTED  C  4  0
 127 ADMITTED  D  4  0
 143 PREFILLED B  5 13
 143 PREFILLED C  1  3
 143 PREFILLED D  1  2
 143 FINISHED  B  5  1
 155 FINISHED  D  2  0
 166 FINISHED  C  3  1
 166 IDLE      -  0  0
"""


def test_sarathi_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, each prompt's chunks, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert chunks(WORLD) == table(CHUNKS)
    assert events(WORLD) == table(EVENTS)


WATERMARK = world(
    "sarathi",
    [Row(prompt=4, max_new=4, output=1) for _ in range(4)],
    capacity=16,
    choices=Sarathi(block_tokens=4, token_budget=512, watermark=0.3),
)

WATERMARK_STEPS = """
#  start end held prefill decode
   0     10  12   ABC     -      # 4 blocks, of which a watermark of 1.2 leaves one free
   10    20   4   D       -
"""


def test_an_admission_leaves_the_watermark_free() -> None:
    """Sarathi-Serve's block manager is vLLM v0's: an admission leaves floor(watermark x blocks) blocks free."""
    assert steps(WATERMARK) == table(WATERMARK_STEPS)
