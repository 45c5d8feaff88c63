"""A_max by hand: admission by the peak that would come if all had their upper ends, the least of them first.

Twenty slots, counted one by one; the upper end is 1.5 times the prediction, at most max_new; a step takes
10 + decode rows (ps). A sequence writes its prompt and all tokens but the last.

| | arrival | prompt | predicted | upper end | max_new | output |
|---|---|---|---|---|---|---|
| A | 0 | 4 | 4 | 6 | 12 | 6 |
| B | 0 | 3 | 2 | 3 | 8 | 5: beyond the interval |
| C | 0 | 4 | 8 | 9: no more than max_new | 9 | 2 |
| D | 5 | 2 | 3 | 5: 4.5 rounded up | 9 | 3 |
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
        Row(arrival=0, prompt=4, predicted=8, max_new=9, output=2),
        Row(arrival=5, prompt=2, predicted=3, max_new=9, output=3),
    ],
    capacity=20,
    choices=AMax(upper=1.5),
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10  11   ABC    -      # to write: C 8, A 5, B 2; peaks 8 + 4, 2 x 5 + 8, 3 x 2 + 11: 18 of 20
  10     23  14   -      ABC    # with D (5): C 7 + 5, A 2 x 4 + 10, D 3 x 4 + 12: 24, so D waits; C's second token
  23     35  13   D      AB     # D 4 + 2, A 2 x 3 + 8, B (3), which has one left, 13: 14
  35     48  16   -      ABD    # B outlives its interval
  48     61  19   -      ABD    # B's fifth token, D's third
  61     72   9   -      A      # A's sixth token
"""

EVENTS = """
   0 ARRIVED   A  4 12
   0 ARRIVED   B  3  8
   0 ARRIVED   C  4  9
   0 PREDICTED A  4  0
   0 PREDICTED B  2  0
   0 PREDICTED C  8  0
   0 ADMITTED  A  4  0
   0 ADMITTED  B  3  0
   0 ADMITTED  C  4  0
   5 ARRIVED   D  2  9
   5 PREDICTED D  3  0
  10 PREFILLED A  1  4
  10 PREFILLED B  1  3
  10 PREFILLED C  1  4
  23 FINISHED  C  2  0
  23 ADMITTED  D  2  0
  35 PREFILLED D  1  2
  61 FINISHED  B  5  0
  61 FINISHED  D  3  0
  72 FINISHED  A  6  0
  72 IDLE      -  0  0
"""


def test_a_max_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
