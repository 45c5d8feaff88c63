"""Transformers' StaticCache by hand: rows of the maximum length, which attention reads whole at every step.

Rows of 12 slots on 30: four rows halved until they fit are two. A step takes 10 + rows + prompt positions + slots
read (ps), padding and finished rows included.

| | arrival | prompt | max_new | output |
|---|---|---|---|---|
| A | 0 | 3 | 9 | 3 |
| B | 0 | 5 | 7 | 1 |
| C | 0 | 2 | 10 | 2 |
| D | 5 | 4 | 8 | 2 |
"""

from s3sim.policies.registry import HuggingFace
from tests.support.latency import PaddedLatency
from tests.support.worlds import Row, world
from tests.worked.tables import columns, events, steps, table

WORLD = world(
    "huggingface",
    [
        Row(arrival=0, prompt=3, max_new=9, output=3),
        Row(arrival=0, prompt=5, max_new=7, output=1),
        Row(arrival=0, prompt=2, max_new=10, output=2),
        Row(arrival=5, prompt=4, max_new=8, output=2),
    ],
    capacity=30,
    max_length=12,
    choices=HuggingFace(batch_size=4, cache="static"),
    latency=PaddedLatency(per_slot=1),
)

STEPS = """
#  start end held prefill decode
   0     20  24   AB      -      # 2 x 5 positions; B's only token
  20     56  24   -       A      # 10 + 2 rows + 2 x 12 slots
  56     92  24   -       A      # A's third token
  92    110  24   CD      -      # 2 x 4 positions
 110    146  24   -       CD
"""

COLUMNS = ("padding_tokens", "padding_rows", "decode_context", "padding_slots", "copied_slots")
PADDING = """
# prompt finished context padding copied
  2      0        0        0      0
  0      1        3       21      0       # 24 slots are read, of which A wrote 3
  0      1        4       20      0
  2      0        0        0      0
  0      0        6       18      0
"""

EVENTS = """
   0 ARRIVED   A  3  9
   0 ARRIVED   B  5  7
   0 ARRIVED   C  2 10
   0 ADMITTED  A 12  0
   0 ADMITTED  B 12 12
   5 ARRIVED   D  4  8
  20 PREFILLED A  1  3
  20 PREFILLED B  1  5
  92 FINISHED  A  3  0
  92 FINISHED  B  1  0
  92 ADMITTED  C 12  0
  92 ADMITTED  D 12 12
 110 PREFILLED C  1  2
 110 PREFILLED D  1  4
 146 FINISHED  C  2  0
 146 FINISHED  D  2  0
 146 IDLE      -  0  0
"""


def test_a_static_cache_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times, slots and padding, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert columns(WORLD, *COLUMNS) == table(PADDING)
    assert events(WORLD) == table(EVENTS)
