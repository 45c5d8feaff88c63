"""Learning to rank by hand: the least score first, at most two at once, and a guard against starvation.

Twenty-four slots are six blocks of 4; idle for 4 steps, a request comes first for 2; prefill first, recompute.
A step takes 10 + decode rows (ps).

| | arrival | prompt | score | max_new | output |
|---|---|---|---|---|---|
| A | 0 | 4 | 9 | 12 | 5 |
| B | 0 | 4 | 7 | 12 | 6 |
| C | 12 | 5 | 2 | 6 | 6 |
| D | 14 | 3 | 3 | 6 | 5 |
"""

from s3sim.policies.rivals import LTR
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "ltr",
    [
        Row(arrival=0, prompt=4, predicted=9, max_new=12, output=5),
        Row(arrival=0, prompt=4, predicted=7, max_new=12, output=6),
        Row(arrival=12, prompt=5, predicted=2, max_new=6, output=6),
        Row(arrival=14, prompt=3, predicted=3, max_new=6, output=5),
    ],
    capacity=24,
    choices=LTR(max_num_seqs=2, starvation_steps=4, period_steps=2, block_tokens=4, watermark=0.0),
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10   8   AB     -      # step 0
  10     22  16   -      AB     # step 1: a block each
  22     32  12   CD     -      # step 2: C (2) takes the place of A (9), the worst; D (3) that of B (7)
  32     44  12   -      CD     # step 3
  44     56  16   -      CD     # step 4: D (4) takes a block
  56     68  16   -      CD     # step 5: C has written 8, D 6
  68     78  16   AB     -      # step 6: A and B, idle in steps 2 to 5, come first: B for D, A for C
  78     90  16   -      AB     # step 7: their second, and last of the two
  90    100  20   CD     -      # step 8: they are as before: C takes A's place, D takes B's; D's fifth token
 100    110  20   B      -      # step 9: B (7) before A (9); C waits for the prefill
 110    122  24   -      BC     # step 10: B (8) takes a block; the last tokens of both
 122    132   8   A      -      # step 11: A, idle in steps 8 to 10; the token that the prefill emits is its last
"""

EVENTS = """
   0 ARRIVED   A  4 12
   0 ARRIVED   B  4 12
   0 PREDICTED A  9  0
   0 PREDICTED B  7  0
   0 ADMITTED  A  4  0
   0 ADMITTED  B  4  0
  10 PREFILLED A  1  4
  10 PREFILLED B  1  4
  12 ARRIVED   C  5  6
  12 PREDICTED C  2  0
  14 ARRIVED   D  3  6
  14 PREDICTED D  3  0
  22 PREEMPTED A  5  0
  22 PREEMPTED B  5  0
  22 ADMITTED  C  8  0
  22 ADMITTED  D  4  0
  32 PREFILLED C  1  5
  32 PREFILLED D  1  3
  68 PREEMPTED C  8  0
  68 PREEMPTED D  6  0
  68 ADMITTED  A  8  0     # prompt 4 + 2 generated
  68 ADMITTED  B  8  0
  78 PREFILLED A  3  6
  78 PREFILLED B  3  6
  90 PREEMPTED A  7  0
  90 PREEMPTED B  7  0
  90 ADMITTED  C 12  0     # prompt 5 + 4 generated
  90 ADMITTED  D  8  0
 100 PREFILLED C  5  9
 100 PREFILLED D  5  7
 100 FINISHED  D  5  1
 100 ADMITTED  B  8  0
 110 PREFILLED B  5  8
 122 FINISHED  B  6  2
 122 FINISHED  C  6  1
 122 ADMITTED  A  8  0
 132 PREFILLED A  5  8
 132 FINISHED  A  5  2
 132 IDLE      -  0  0
"""


def test_ltr_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
