"""S³ by hand: the prediction reserved, decreasing first fit, swap and double on overrun, compaction on demand.

Twenty-eight slots, and a host with room for 8 tokens; a step takes 10 + decode rows + moved slots (ps).
A move takes 2 ps, and 5 ps per token to the host or 3 ps per token to the device.

| | arrival | prompt | predicted | reserves | max_new | output |
|---|---|---|---|---|---|---|
| A | 0 | 6 | 2 | 8, then 16 | 14 | 7: overruns with its fourth token |
| B | 0 | 6 | 6 | 12 | 10 | 6 |
| C | 0 | 4 | 2 | 6 | 5 | 2 |
| D | 30 | 1 | 4 | 5 | 7 | 5: one more than predicted, whose slot is the prompt's spare |
| E | 40 | 2 | 1 | 3 | 6 | 2: likewise |
| F | 60 | 3 | 2 | 5 | 4 | 3: likewise |
"""

from s3sim.policies.registry import S3
from s3sim.sim.link import LinkSpeed
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "s3",
    [
        Row(arrival=0, prompt=6, predicted=2, max_new=14, output=7),
        Row(arrival=0, prompt=6, predicted=6, max_new=10, output=6),
        Row(arrival=0, prompt=4, predicted=2, max_new=5, output=2),
        Row(arrival=30, prompt=1, predicted=4, max_new=7, output=5),
        Row(arrival=40, prompt=2, predicted=1, max_new=6, output=2),
        Row(arrival=60, prompt=3, predicted=2, max_new=4, output=3),
    ],
    capacity=28,
    choices=S3(placement="slide_all"),
    latency=LinearLatency(base=10, per_row=1, per_relocated=1),
    host_tokens=8,
    link=LinkSpeed(to_host_ps_per_token=5, to_device_ps_per_token=3, latency_ps=2),
)

STEPS = """
#  start end held prefill decode
   0     10  26   ABC     -      # the largest first: B at 0, A at 12, C at 20
   10    23  26   -       ABC    # C's last token
   23    35  20   -       AB     # A has now written 8 of 8
   35    46  25   D       B      # A leaves, its 8 slots still held; D at 20, where C was
   46    58  28   E       BD     # E at 25
   58    71  28   -       BDE    # the last tokens of B and E
   71    82  18   F       D      # F at 0; A's slots are held until the plan after 77
   82    98  26   -       DF     # 10 + 2 rows + 4 slots of D moved; A's 16 slots are held from now on
   98   109  21   -       F
  109   120  16   -       A      # A is back, with 3 tokens; four more
  120   131  16   -       A
  131   142  16   -       A
  142   153  16   -       A
"""

EVENTS = """
   0 ARRIVED     A  6 14
   0 ARRIVED     B  6 10
   0 ARRIVED     C  4  5
   0 PREDICTED   A  2  0
   0 PREDICTED   B  6  0
   0 PREDICTED   C  2  0
   0 ADMITTED    A  8 12
   0 ADMITTED    B 12  0
   0 ADMITTED    C  6 20
  10 PREFILLED   A  1  6
  10 PREFILLED   B  1  6
  10 PREFILLED   C  1  4
  23 FINISHED    C  2  0
  30 ARRIVED     D  1  7
  30 PREDICTED   D  4  0
  35 PREEMPTED   A  8  1
  35 ADMITTED    D  5 20
  40 ARRIVED     E  2  6
  40 PREDICTED   E  1  0
  46 PREFILLED   D  1  1
  46 ADMITTED    E  3 25
  58 PREFILLED   E  1  2
  60 ARRIVED     F  3  4
  60 PREDICTED   F  2  0
  71 FINISHED    B  6  0
  71 FINISHED    E  2  0
  71 ADMITTED    F  5  0
  77 SWAPPED_OUT A  8  0     # 35 + 2 + 8 x 5
  82 PREFILLED   F  1  3
  82 ADMITTED    A 16 10     # 18 are free, as 5-20 and 25-28: D must move
  82 COMPACTED   A  4  1     # D from 20 to 5, 4 slots written
  82 RELOCATED D  4  5
  98 FINISHED    D  5  0
 108 SWAPPED_IN  A  8  0     # 82 + 2 + 8 x 3
 109 FINISHED    F  3  0
 153 FINISHED    A  7  1
 153 IDLE        -  0  0
"""


def test_s3_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)


FIRST_FIT_STEPS = """
#  start end held prefill decode
   71     82  18   F       D      # F at 0; A's slots are held until the plan after 77
   82     94  10   -       DF     # 18 are free, but D at 20 parts them into 15 and 3: A, who wants 16, waits
   94    105  21   -       F      # D has ended: a hole from 5 on, and A is on its way into it
  120    131  16   -       A      # A is back at 120
  131    142  16   -       A
  142    153  16   -       A
  153    164  16   -       A
"""


def test_where_nothing_is_moved_a_reservation_waits_for_a_hole() -> None:
    """The same, with the default placement: no slots are moved, and A comes back one step later."""
    found = WORLD.but(choices=S3())
    assert steps(found)[6:] == table(FIRST_FIT_STEPS)
    assert not any("COMPACTED" in line for line in events(found))
