"""Orca(Pow2) by hand: ORCA that reserves the prompt and the next power of two of the true output, at most max_new.

Thirty-two slots; a step takes 10 + decode rows + moved slots (ps).

| | arrival | prompt | max_new | output | its power of two | reserves |
|---|---|---|---|---|---|---|
| A | 0 | 4 | 16 | 3 | 4 | 8 |
| B | 0 | 3 | 16 | 5 | 8 | 11 |
| C | 0 | 5 | 16 | 4 | 4: it is one itself | 9 |
| D | 0 | 2 | 7 | 6 | 8, but no more than 7 are allowed | 9 |
| E | 12 | 6 | 16 | 1 | 1 | 7 |
| F | 12 | 20 | 16 | 2 | 2 | 22, but the client may ask for 36 |
"""

from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "orca_pow2",
    [
        Row(arrival=0, prompt=4, max_new=16, output=3, predicted=3),
        Row(arrival=0, prompt=3, max_new=16, output=5, predicted=5),
        Row(arrival=0, prompt=5, max_new=16, output=4, predicted=4),
        Row(arrival=0, prompt=2, max_new=7, output=6, predicted=6),
        Row(arrival=12, prompt=6, max_new=16, output=1, predicted=1),
        Row(arrival=12, prompt=20, max_new=16, output=2, predicted=2),
    ],
    capacity=32,
    latency=LinearLatency(base=10, per_row=1, per_relocated=1),
)

STEPS = """
#  start end held prefill decode
   0     10  28   ABC     -      # A at 0, B at 8, C at 19, 4 left: D stops the walk
   10    23  28   -       ABC    # 10 + 3 rows
   23    36  28   -       ABC    # A's third token
   36    60  29   D       BC     # 10 + 2 rows + 12 slots moved; C's fourth token
   60    72  27   E       BD     # E between B and D, where C was; its only token, and B's fifth
   72    83   9   -       D
   83    94   9   -       D
   94   105   9   -       D
  105   116   9   -       D      # D's sixth token
"""

EVENTS = """
   0 ARRIVED   A  4 16
   0 ARRIVED   B  3 16
   0 ARRIVED   C  5 16
   0 ARRIVED   D  2  7
   0 PREDICTED A  3  0
   0 PREDICTED B  5  0
   0 PREDICTED C  4  0
   0 PREDICTED D  6  0
   0 ADMITTED  A  8  0
   0 ADMITTED  B 11  8
   0 ADMITTED  C  9 19
  10 PREFILLED A  1  4
  10 PREFILLED B  1  3
  10 PREFILLED C  1  5
  12 ARRIVED   E  6 16
  12 ARRIVED   F 20 16
  12 PREDICTED E  1  0
  12 PREDICTED F  2  0
  12 REJECTED  F 20  1     # prompt + max_new are 36 slots, more than there are
  36 FINISHED  A  3  0     # holes 0-8 and 28-32: 12 slots, and no extent of 9
  36 ADMITTED  D  9 20     # behind B, now at 0, and C, now at 11
  36 COMPACTED D 12  2     # B had written 3 + 3 - 1 slots, C 5 + 3 - 1
  36 RELOCATED B  5  0
  36 RELOCATED C  7 11
  60 PREFILLED D  1  2
  60 FINISHED  C  4  0     # hole 11-20
  60 ADMITTED  E  7 11
  72 PREFILLED E  1  6
  72 FINISHED  B  5  0
  72 FINISHED  E  1  0
 116 FINISHED  D  6  0
 116 IDLE      -  0  0
"""


def test_orca_pow2_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
