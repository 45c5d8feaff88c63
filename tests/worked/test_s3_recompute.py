"""S³ by hand with its other choices: recompute on overrun, the output part doubled, at most two at once.

Twenty-four slots; a step takes 10 + decode rows (ps). A recompute frees its slots in the very plan.

| | arrival | prompt | predicted | reserves | max_new | output |
|---|---|---|---|---|---|---|
| A | 0 | 3 | 2 | 3 + 2, then 3 + 4, then 3 + 8 | 9 | 6: overruns with its fourth and its sixth token |
| B | 0 | 4 | 5 | 9 | 8 | 5 |
| C | 0 | 2 | 2 | 4 | 6 | 2 |
| D | 5 | 4 | 3 | 7 | 6 | 3 |
| E | 60 | 1 | 1 | 2 | 5 | 2 |
"""

from s3sim.policies.registry import S3
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "s3",
    [
        Row(arrival=0, prompt=3, predicted=2, max_new=9, output=6),
        Row(arrival=0, prompt=4, predicted=5, max_new=8, output=5),
        Row(arrival=0, prompt=2, predicted=2, max_new=6, output=2),
        Row(arrival=5, prompt=4, predicted=3, max_new=6, output=3),
        Row(arrival=60, prompt=1, predicted=1, max_new=5, output=2),
    ],
    capacity=24,
    choices=S3(on_overrun="recompute", doubled="output", max_num_seqs=2),
    latency=LinearLatency(base=10, per_row=1, per_relocated=1),
)

STEPS = """
#  start end held prefill decode
   0     10  14   AB      -      # B at 0, A at 9; C would fit, but two are two
   10    22  14   -       AB
   22    34  14   -       AB     # A has now written 5 of 5
   34    45  16   A       B      # A is dropped, asks for 7 like D, stands before it, and is back at 9
   45    57  16   -       AB     # A has now written 7 of 7; B's last token
   57    67  18   AD      -      # A is dropped and back at 0 with 11; D at 11; the prefill emits A's last token
   67    78  11   C       D      # C fits at 0 and at 18: at 0; E would fit, but two are two
   78    90  11   -       CD     # the last tokens of both
   90   100   2   E       -
  100   111   2   -       E
"""

EVENTS = """
   0 ARRIVED   A  3  9
   0 ARRIVED   B  4  8
   0 ARRIVED   C  2  6
   0 PREDICTED A  2  0
   0 PREDICTED B  5  0
   0 PREDICTED C  2  0
   0 ADMITTED  A  5  9
   0 ADMITTED  B  9  0
   5 ARRIVED   D  4  6
   5 PREDICTED D  3  0
  10 PREFILLED A  1  3
  10 PREFILLED B  1  4
  34 PREEMPTED A  5  0
  34 ADMITTED  A  7  9     # 3 + 2 x 2
  45 PREFILLED A  4  6     # prompt 3 + 3 generated
  57 FINISHED  B  5  0
  57 PREEMPTED A  7  0
  57 ADMITTED  A 11  0     # 3 + 2 x 4
  57 ADMITTED  D  7 11
  60 ARRIVED   E  1  5
  60 PREDICTED E  1  0
  67 PREFILLED A  6  8     # prompt 3 + 5 generated
  67 PREFILLED D  1  4
  67 FINISHED  A  6  2
  67 ADMITTED  C  4  0
  78 PREFILLED C  1  2
  90 FINISHED  C  2  0
  90 FINISHED  D  3  0
  90 ADMITTED  E  2  0
 100 PREFILLED E  1  1
 111 FINISHED  E  2  0
 111 IDLE      -  0  0
"""


def test_s3_with_recompute_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
