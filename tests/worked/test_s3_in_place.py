"""S³ by hand with growth in place: a reservation doubles where it is if the slots behind it are free.

Twenty-six slots; a step takes 10 + decode rows (ps). A move takes 2 ps, and 5 ps per token to the host or
3 ps per token to the device.

| | arrival | prompt | predicted | reserves | max_new | output |
|---|---|---|---|---|---|---|
| A | 0 | 4 | 2 | 6, then 12 | 12 | 9: overruns with its fourth token |
| B | 0 | 3 | 6 | 9 | 10 | 6 |
| C | 0 | 2 | 2 | 4 | 5 | 3 |
| D | 40 | 1 | 2 | 3, then 6, then 9, the most it may need | 8 | 8: overruns with its fourth and its seventh token |
"""

from s3sim.policies.registry import S3
from s3sim.sim.link import LinkSpeed
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "s3",
    [
        Row(arrival=0, prompt=4, predicted=2, max_new=12, output=9),
        Row(arrival=0, prompt=3, predicted=6, max_new=10, output=6),
        Row(arrival=0, prompt=2, predicted=2, max_new=5, output=3),
        Row(arrival=40, prompt=1, predicted=2, max_new=8, output=8),
    ],
    capacity=26,
    choices=S3(growth="in_place"),
    latency=LinearLatency(base=10, per_row=1, per_relocated=1),
    link=LinkSpeed(to_host_ps_per_token=5, to_device_ps_per_token=3, latency_ps=2),
)

STEPS = """
#  start end held prefill decode
   0     10  19   ABC     -      # the largest first: B at 0, A at 9, C at 15
   10    23  19   -       ABC
   23    36  19   -       ABC    # C's last token; A has now written 6 of 6
   36    48  21   -       AB     # 15-26 is free, of which A takes 6
   48    60  24   D       AB     # D at 21, right behind A
   60    73  24   -       ABD    # B's last token
   73    85  15   -       AD     # D has now written 3 of 3
   85    96  15   -       A      # D needs 3 more and 24-26 are two: it leaves, though 0-9 is free
   96   107  15   -       A      # A's ninth token
  118   129   6   -       D      # D is back at 0, with 3 tokens
  129   140   6   -       D
  140   151   6   -       D      # D has now written 6 of 6
  151   162   9   -       D      # 3 more are all it may ever need
  162   173   9   -       D
"""

EVENTS = """
   0 ARRIVED     A  4 12
   0 ARRIVED     B  3 10
   0 ARRIVED     C  2  5
   0 PREDICTED   A  2  0
   0 PREDICTED   B  6  0
   0 PREDICTED   C  2  0
   0 ADMITTED    A  6  9
   0 ADMITTED    B  9  0
   0 ADMITTED    C  4 15
  10 PREFILLED   A  1  4
  10 PREFILLED   B  1  3
  10 PREFILLED   C  1  2
  36 FINISHED    C  3  0
  36 GROWN       A  6 12
  40 ARRIVED     D  1  8
  40 PREDICTED   D  2  0
  48 ADMITTED    D  3 21
  60 PREFILLED   D  1  1
  73 FINISHED    B  6  0
  85 PREEMPTED   D  3  1
 102 SWAPPED_OUT D  3  0     # 85 + 2 + 3 x 5
 107 FINISHED    A  9  0
 107 ADMITTED    D  6  0
 107 IDLE        -  6  0
 118 SWAPPED_IN  D  3  0     # 107 + 2 + 3 x 3
 151 GROWN       D  3  9
 173 FINISHED    D  8  1
 173 IDLE        -  0  0
"""


def test_s3_with_growth_in_place_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
