"""A_min by hand: the lower end believed, the peak foreseen from it, the least lower end preempted and raised.

Fourteen slots, taken one by one; the lower end is half the prediction; a step takes 10 + decode rows (ps).

| | prompt | predicted | lower end | max_new | output |
|---|---|---|---|---|---|
| A | 3 | 8 | 4 | 10 | 4 |
| B | 2 | 6 | 3 | 10 | 7 |
| C | 4 | 4 | 2, then 2, then 4 | 6 | 5: preempted with two tokens, and with four |
| D | 3 | 9 | 5 | 10 | 2: held back by the peak although it fits |

In brackets, slots still to write and slots written after the step: the foreseen peak is the most that all hold at once.
"""

from s3sim.policies.rivals import AMin
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "a_min",
    [
        Row(prompt=3, predicted=8, max_new=10, output=4),
        Row(prompt=2, predicted=6, max_new=10, output=7),
        Row(prompt=4, predicted=4, max_new=6, output=5),
        Row(prompt=3, predicted=9, max_new=10, output=2),
    ],
    capacity=14,
    choices=AMin(lower=0.5),
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10   9   ABC    -      # C (1, 4), B (2, 2), A (3, 3): 3, 6, 4, 7, 9, 12; with D (4, 3) 16 when C ends, 5 free
  10     23  12   -      ABC    # a slot each
  23     35   9   -      AB     # 2 free for three: C goes, with 2 tokens; A and B take one each; C wants 6 of 5
  35     47  11   -      AB     # 3 free; A's fourth token
  47     58  12   C      B      # B takes one: 8 free; B (0, 6), C (0, 6): 12; 2 free are less than D wants
  58     70  14   -      BC     # a slot each, and none is left
  70     81   8   -      B      # C is the least again, and goes with 4 tokens; B's seventh token
  81     91  11   CD     -      # C runs alone whatever is foreseen; D (4, 3), C (0, 8): 7, 11; C's fifth token
  91    102   4   -      D
"""

EVENTS = """
   0 ARRIVED   A  3 10
   0 ARRIVED   B  2 10
   0 ARRIVED   C  4  6
   0 ARRIVED   D  3 10
   0 PREDICTED A  8  0
   0 PREDICTED B  6  0
   0 PREDICTED C  4  0
   0 PREDICTED D  9  0
   0 ADMITTED  A  3  0
   0 ADMITTED  B  2  0
   0 ADMITTED  C  4  0
  10 PREFILLED A  1  3
  10 PREFILLED B  1  2
  10 PREFILLED C  1  4
  23 PREEMPTED C  5  0
  23 GROWN     A  1  5
  23 GROWN     B  1  4
  47 FINISHED  A  4  0
  47 ADMITTED  C  6  0
  58 PREFILLED C  3  6
  70 PREEMPTED C  7  0
  70 GROWN     B  1  8
  81 FINISHED  B  7  0
  81 ADMITTED  C  8  0
  81 ADMITTED  D  3  0
  91 PREFILLED C  5  8
  91 PREFILLED D  1  3
  91 FINISHED  C  5  2
 102 FINISHED  D  2  0
 102 IDLE      -  0  0
"""


def test_a_min_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
