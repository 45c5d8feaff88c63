"""S³ with the right bucket, by hand: no overrun is possible, and extents slide together on each release.

Thirty slots, buckets of 4 tokens; a step takes 10 + decode rows + moved slots (ps).

| | arrival | prompt | output | bucket's edge | reserves |
|---|---|---|---|---|---|
| A | 0 | 2 | 7 | 8 | 10 |
| B | 0 | 3 | 3 | 4 | 7 |
| C | 0 | 1 | 1 | 4 | 5 |
| D | 0 | 12 | 2 | 4 | 16 |
| E | 12 | 8 | 6 | 8 | 16 |
"""

from s3sim.policies.registry import S3
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "oracle_bucket",
    [
        Row(arrival=0, prompt=2, output=7, predicted=8, max_new=12),
        Row(arrival=0, prompt=3, output=3, predicted=4, max_new=12),
        Row(arrival=0, prompt=1, output=1, predicted=4, max_new=12),
        Row(arrival=0, prompt=12, output=2, predicted=4, max_new=12),
        Row(arrival=12, prompt=8, output=6, predicted=8, max_new=12),
    ],
    capacity=30,
    choices=S3(placement="slide_on_release"),
    latency=LinearLatency(base=10, per_row=1, per_relocated=1),
)

STEPS = """
#  start end held prefill decode
   0     10  26   AD      -      # D at 0, A at 16, 4 left: neither B nor C fits
   10    22  26   -       AD     # D's last token
   22    36  26   E       A      # 10 + 1 row + 3 slots of A moved; E at 10 passes B and C
   36    48  26   -       AE
   48    60  26   -       AE
   60    72  26   -       AE
   72    84  26   -       AE     # A's seventh token
   84   107  28   BC      E      # 10 + 1 row + 12 slots of E moved; the last tokens of C and E
  107   121   7   -       B      # 10 + 1 row + 3 slots of B moved, though nobody needs the room
  121   132   7   -       B
"""

EVENTS = """
   0 ARRIVED   A  2 12
   0 ARRIVED   B  3 12
   0 ARRIVED   C  1 12
   0 ARRIVED   D 12 12
   0 PREDICTED A  8  0
   0 PREDICTED B  4  0
   0 PREDICTED C  4  0
   0 PREDICTED D  4  0
   0 ADMITTED  A 10 16
   0 ADMITTED  D 16  0
  10 PREFILLED A  1  2
  10 PREFILLED D  1 12
  12 ARRIVED   E  8 12
  12 PREDICTED E  8  0
  22 FINISHED  D  2  0
  22 ADMITTED  E 16 10
  22 COMPACTED A  3  1     # from 16 to 0, with 2 + 2 - 1 slots written
  22 RELOCATED A  3  0
  36 PREFILLED E  1  8
  84 FINISHED  A  7  0
  84 ADMITTED  B  7 16
  84 ADMITTED  C  5 23
  84 COMPACTED E 12  1     # from 10 to 0, with 8 + 5 - 1 slots written
  84 RELOCATED E 12  0
 107 PREFILLED B  1  3
 107 PREFILLED C  1  1
 107 FINISHED  C  1  0
 107 FINISHED  E  6  0
 107 COMPACTED B  3  1     # from 16 to 0
 107 RELOCATED B  3  0
 132 FINISHED  B  3  0
 132 IDLE      -  0  0
"""


def test_oracle_bucket_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
