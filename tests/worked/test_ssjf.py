"""SSJF by hand: the shortest predicted first, S³'s reservations, recompute on overrun.

Twenty slots; a step takes 10 + decode rows (ps). A recompute frees its slots in the very plan.

| | arrival | prompt | predicted | reserves | max_new | output |
|---|---|---|---|---|---|---|
| A | 0 | 4 | 6 | 10 | 10 | 6: the longest, and last |
| B | 0 | 3 | 2 | 5, then 10 | 8 | 5: overruns with its fourth token |
| C | 0 | 2 | 4 | 6 | 8 | 2 |
| D | 5 | 6 | 3 | 9 | 9 | 3 |
"""

from s3sim.policies.rivals import SSJF
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "ssjf",
    [
        Row(arrival=0, prompt=4, predicted=6, max_new=10, output=6),
        Row(arrival=0, prompt=3, predicted=2, max_new=8, output=5),
        Row(arrival=0, prompt=2, predicted=4, max_new=8, output=2),
        Row(arrival=5, prompt=6, predicted=3, max_new=9, output=3),
    ],
    capacity=20,
    choices=SSJF(on_overrun="recompute"),
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10  11   BC     -      # B (2), then C (4); A (6) wants 10 of the 9 that are left
  10     22  20   D      BC     # D (3) came after A and goes before it; C's last token
  22     34  14   -      BD     # 6 free: A waits; B has now written 5 of 5
  34     45  19   B      D      # B (2) is still the first: it returns at once with twice 5; D's last token
  45     56  20   A      B      # B's fifth token
  56     67  10   -      A
  67     78  10   -      A
  78     89  10   -      A
  89    100  10   -      A
 100    111  10   -      A      # A's sixth token
"""

EVENTS = """
   0 ARRIVED   A  4 10
   0 ARRIVED   B  3  8
   0 ARRIVED   C  2  8
   0 PREDICTED A  6  0
   0 PREDICTED B  2  0
   0 PREDICTED C  4  0
   0 ADMITTED  B  5  0
   0 ADMITTED  C  6  5
   5 ARRIVED   D  6  9
   5 PREDICTED D  3  0
  10 PREFILLED B  1  3
  10 PREFILLED C  1  2
  10 ADMITTED  D  9 11
  22 PREFILLED D  1  6
  22 FINISHED  C  2  0
  34 PREEMPTED B  5  0
  34 ADMITTED  B 10  0
  45 PREFILLED B  4  6     # prompt 3 + 3 generated
  45 FINISHED  D  3  0
  45 ADMITTED  A 10 10
  56 PREFILLED A  1  4
  56 FINISHED  B  5  1
 111 FINISHED  A  6  0
 111 IDLE      -  0  0
"""


def test_ssjf_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
