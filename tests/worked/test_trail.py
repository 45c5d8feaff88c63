"""TRAIL by hand: the least predicted remaining first, preemption of those below half their prediction.

Twenty slots are five blocks of 4; c = 0.5; prefill first, recompute; a step takes 10 + decode rows (ps).

| | arrival | prompt | predicted | gives way below | max_new | output |
|---|---|---|---|---|---|---|
| A | 0 | 4 | 10 | 5 tokens | 12 | 9 |
| B | 0 | 4 | 4 | 2 tokens | 12 | 8: outlives its prediction, which is then taken as 8 |
| C | 12 | 5 | 2 | 1 token | 6 | 3 |
| D | 60 | 3 | 1 | never | 6 | 2 |
"""

from s3sim.policies.rivals import Trail
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "trail",
    [
        Row(arrival=0, prompt=4, predicted=10, max_new=12, output=9),
        Row(arrival=0, prompt=4, predicted=4, max_new=12, output=8),
        Row(arrival=12, prompt=5, predicted=2, max_new=6, output=3),
        Row(arrival=60, prompt=3, predicted=1, max_new=6, output=2),
    ],
    capacity=20,
    choices=Trail(preemptible=0.5, block_tokens=4, watermark=0.0),
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10   8   AB     -      # B (4 left) before A (10 left)
  10     22  16   -      AB     # a block each
  22     32  16   C      -      # C (2 left) wants 2 blocks, 1 is free: A (8 left, 2 of 5) gives way; B has its 2 tokens
  32     44  16   -      BC     # 1 block free: A wants 6 slots
  44     56  16   -      BC     # C (2 tokens) outlives its prediction: 2 left of 4; its third token
  56     66  16   A      -      # 3 blocks free; B waits for the prefill
  66     76  20   D      -      # the last block, so that nobody need give way
  76     89  20   -      ABD    # B writes its eighth slot; D's last token
  89    101  20   -      AB     # B (8) takes D's block; A writes its eighth slot
 101    112  12   -      B      # A (8) needs a block. Both are too old to give way: A (5 left) is worse than B (2 left)
 112    123  12   -      B      # A wants 9 slots, 2 blocks are free; B's eighth token
 123    133  12   A      -
 133    144  12   -      A
 144    155  12   -      A
 155    166  12   -      A      # A's ninth token, in its twelfth slot
"""

EVENTS = """
   0 ARRIVED   A  4 12
   0 ARRIVED   B  4 12
   0 PREDICTED A 10  0
   0 PREDICTED B  4  0
   0 ADMITTED  A  4  0
   0 ADMITTED  B  4  0
  10 PREFILLED A  1  4
  10 PREFILLED B  1  4
  12 ARRIVED   C  5  6
  12 PREDICTED C  2  0
  22 PREEMPTED A  5  0
  22 ADMITTED  C  8  0
  32 PREFILLED C  1  5
  56 FINISHED  C  3  0
  56 ADMITTED  A  8  0     # prompt 4 + 2 generated
  60 ARRIVED   D  3  6
  60 PREDICTED D  1  0
  66 PREFILLED A  3  6
  66 ADMITTED  D  4  0
  76 PREFILLED D  1  3
  89 FINISHED  D  2  0
 101 PREEMPTED A  8  0
 123 FINISHED  B  8  0
 123 ADMITTED  A 12  0
 133 PREFILLED A  6  9
 166 FINISHED  A  9  2
 166 IDLE      -  0  0
"""


def test_trail_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
