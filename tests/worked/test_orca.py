"""ORCA by hand: first come first served, the maximum reserved, prefill and decode in one step.

Twenty-four slots; a step takes 10 + decode rows + moved slots (ps).

| | arrival | prompt | max_new | reserves | output |
|---|---|---|---|---|---|
| A | 0 | 4 | 6 | 10 | 3 |
| B | 0 | 2 | 6 | 8 | 5 |
| C | 0 | 3 | 9 | 12 | 2 |
| D | 15 | 1 | 4 | 5 | 4 |
| E | 15 | 20 | 10 | 30 | 1 |
"""

from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "orca",
    [
        Row(arrival=0, prompt=4, max_new=6, output=3),
        Row(arrival=0, prompt=2, max_new=6, output=5),
        Row(arrival=0, prompt=3, max_new=9, output=2),
        Row(arrival=15, prompt=1, max_new=4, output=4),
        Row(arrival=15, prompt=20, max_new=10, output=1),
    ],
    capacity=24,
    latency=LinearLatency(base=10, per_row=1, per_relocated=1),
)

STEPS = """
#  start end held prefill decode
   0     10  18   AB      -      # A at 0, B at 10, 6 left: C stops the walk
   10    22  18   -       AB     # 10 + 2 rows
   22    34  18   -       AB     # D would fit, but stands behind C; A's third token
   34    49  20   C       B      # 10 + 1 row + 4 slots of B moved
   49    61  20   -       BC     # 4 left: D waits; the last tokens of B and C
   61    71   5   D       -
   71    82   5   -       D
   82    93   5   -       D
   93   104   5   -       D
"""

EVENTS = """
   0 ARRIVED   A  4  6
   0 ARRIVED   B  2  6
   0 ARRIVED   C  3  9
   0 ADMITTED  A 10  0
   0 ADMITTED  B  8 10
  10 PREFILLED A  1  4
  10 PREFILLED B  1  2
  15 ARRIVED   D  1  4
  15 ARRIVED   E 20 10
  15 REJECTED  E 20  1     # 30 slots are more than there are
  34 FINISHED  A  3  0     # holes 0-10 and 18-24: 16 slots, and no extent of 12
  34 ADMITTED  C 12  8     # behind B, which slid down to 0
  34 COMPACTED C  4  1     # B had written 2 + 3 - 1 slots
  34 RELOCATED B  4  0
  49 PREFILLED C  1  3
  61 FINISHED  B  5  0
  61 FINISHED  C  2  0
  61 ADMITTED  D  5  0
  71 PREFILLED D  1  1
 104 FINISHED  D  4  0
 104 IDLE      -  0  0
"""


def test_orca_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
