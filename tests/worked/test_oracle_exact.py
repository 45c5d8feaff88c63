"""S³ with exact lengths, by hand: no overrun is possible, and ageing keeps the young behind the old.

Twenty slots; a step takes 10 + decode rows (ps); nobody may be overtaken by one who came more than 7 ps later.

| | arrival | prompt | output = predicted | reserves |
|---|---|---|---|---|
| A | 0 | 4 | 6 | 10 |
| B | 0 | 2 | 3 | 5 |
| C | 5 | 3 | 9 | 12 |
| D | 12 | 2 | 2 | 4: may just pass C |
| E | 30 | 1 | 3 | 4: may not |
"""

from s3sim.policies.registry import S3
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "oracle_exact",
    [
        Row(arrival=0, prompt=4, output=6, predicted=6, max_new=12),
        Row(arrival=0, prompt=2, output=3, predicted=3, max_new=12),
        Row(arrival=5, prompt=3, output=9, predicted=9, max_new=12),
        Row(arrival=12, prompt=2, output=2, predicted=2, max_new=12),
        Row(arrival=30, prompt=1, output=3, predicted=3, max_new=12),
    ],
    capacity=20,
    choices=S3(ageing_s=7e-12),
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10  15   AB      -      # A at 0, B at 10, 5 left
   10    22  15   -       AB     # C needs 12
   22    34  19   D       AB     # D at 15: it came 7 after C; B's last token
   34    46  14   -       AD     # 6 free, but E came 25 after C and must wait; D's last token
   46    57  10   -       A      # 10 free: C still needs 12
   57    68  10   -       A      # A's sixth token
   68    78  16   CE      -
   78    90  16   -       CE
   90   102  16   -       CE     # E's third token
  102   113  12   -       C
  113   124  12   -       C
  124   135  12   -       C
  135   146  12   -       C
  146   157  12   -       C
  157   168  12   -       C      # C's ninth token
"""

EVENTS = """
   0 ARRIVED   A  4 12
   0 ARRIVED   B  2 12
   0 PREDICTED A  6  0
   0 PREDICTED B  3  0
   0 ADMITTED  A 10  0
   0 ADMITTED  B  5 10
   5 ARRIVED   C  3 12
   5 PREDICTED C  9  0
  10 PREFILLED A  1  4
  10 PREFILLED B  1  2
  12 ARRIVED   D  2 12
  12 PREDICTED D  2  0
  22 ADMITTED  D  4 15
  30 ARRIVED   E  1 12
  30 PREDICTED E  3  0
  34 PREFILLED D  1  2
  34 FINISHED  B  3  0
  46 FINISHED  D  2  0
  68 FINISHED  A  6  0
  68 ADMITTED  C 12  0
  68 ADMITTED  E  4 12
  78 PREFILLED C  1  3
  78 PREFILLED E  1  1
 102 FINISHED  E  3  0
 168 FINISHED  C  9  0
 168 IDLE      -  0  0
"""


def test_oracle_exact_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
