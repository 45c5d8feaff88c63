"""A_max by hand: the upper end of the interval reserved, the least of them first, recompute on overrun.

Twenty slots; the upper end is 1.5 times the prediction; a step takes 10 + decode rows (ps).

| | arrival | prompt | predicted | upper end | reserves | max_new | output |
|---|---|---|---|---|---|---|---|
| A | 0 | 4 | 4 | 6 | 10 | 12 | 6 |
| B | 0 | 3 | 2 | 3 | 6, then 11 | 8 | 5: beyond the interval; overruns with its fifth token |
| C | 0 | 2 | 8 | 12 | 11: no more than max_new | 9 | 2 |
| D | 5 | 2 | 3 | 5: 4.5 rounded up | 7 | 9 | 3 |
"""

from s3sim.policies.rivals import AMax
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "a_max",
    [
        Row(arrival=0, prompt=4, predicted=4, max_new=12, output=6),
        Row(arrival=0, prompt=3, predicted=2, max_new=8, output=5),
        Row(arrival=0, prompt=2, predicted=8, max_new=9, output=2),
        Row(arrival=5, prompt=2, predicted=3, max_new=9, output=3),
    ],
    capacity=20,
    choices=AMax(upper=1.5, on_overrun="recompute"),
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10  16   AB     -      # B (2) at 0, then A (4) at 6; C (8) wants 11 of the 4 that are left
  10     22  16   -      AB     # D (3) is before C and wants 7
  22     34  16   -      AB
  34     46  16   -      AB     # B has now written 6 of 6
  46     57  10   -      A      # twice 6 is 12, and prompt + max_new 11: B (2) is the first, 10 are free
  57     68  10   -      A      # A's sixth token
  68     78  18   BD     -      # the token that B's prefill emits is its last
  78     89  18   C      D
  89    101  18   -      CD     # the last tokens of both
"""

EVENTS = """
   0 ARRIVED   A  4 12
   0 ARRIVED   B  3  8
   0 ARRIVED   C  2  9
   0 PREDICTED A  4  0
   0 PREDICTED B  2  0
   0 PREDICTED C  8  0
   0 ADMITTED  A 10  6
   0 ADMITTED  B  6  0
   5 ARRIVED   D  2  9
   5 PREDICTED D  3  0
  10 PREFILLED A  1  4
  10 PREFILLED B  1  3
  46 PREEMPTED B  6  0
  68 FINISHED  A  6  0
  68 ADMITTED  B 11  0
  68 ADMITTED  D  7 11
  78 PREFILLED B  5  7     # prompt 3 + 4 generated
  78 PREFILLED D  1  2
  78 FINISHED  B  5  1
  78 ADMITTED  C 11  0
  89 PREFILLED C  1  2
 101 FINISHED  C  2  0
 101 FINISHED  D  3  0
 101 IDLE      -  0  0
"""


def test_a_max_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
