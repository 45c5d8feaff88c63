"""Learning to rank by hand: the least score first, two at once, prompts in chunks beside decodes, swap.

Twenty-four slots are six blocks of 4; a step has 8 tokens and takes 10 + decode rows (ps); a move to the host takes
1 + 2 a slot, one back 1 + 1 a slot. Each that runs is owed a block, whether it needs one or not, as in vllm-ltr.

| | arrival | prompt | score | max_new | output |
|---|---|---|---|---|---|
| A | 0 | 6 | 9 | 10 | 5 |
| B | 0 | 3 | 7 | 12 | 7 |
| C | 12 | 10 | 2 | 6 | 3 |
| D | 14 | 3 | 3 | 6 | 2 |
"""

from s3sim.policies.rivals import LTR
from s3sim.sim.link import LinkSpeed
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import chunks, events, steps, table

WORLD = world(
    "ltr",
    [
        Row(arrival=0, prompt=6, predicted=9, max_new=10, output=5),
        Row(arrival=0, prompt=3, predicted=7, max_new=12, output=7),
        Row(arrival=12, prompt=10, predicted=2, max_new=6, output=3),
        Row(arrival=14, prompt=3, predicted=3, max_new=6, output=2),
    ],
    capacity=24,
    choices=LTR(max_num_seqs=2, starvation_steps=None, block_tokens=4, watermark=0.0, max_num_batched_tokens=8),
    link=LinkSpeed(to_host_ps_per_token=2, to_device_ps_per_token=1, latency_ps=1),
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10  12   AB     -      # B (7), then A (9): 3 tokens and 5 of 6; 1 + 2 blocks
  10     21  12   A      B      # the last of A's prompt
  21     32  16   -      B      # C (2) wants 3 blocks and 1 for B, of 3 free: A, the worst, goes; B takes its second
  32     43  16   -      B      # A is on its way until 34
  43     54  20   C      B      # 4 free, 1 of them owed to B; 7 of C's 10 tokens beside B's
  54     64  20   C      -      # D (3) wants B's (7) place and block: B goes, and D waits until 69
  64     75  20   -      C
  75     86  16   D      C      # 4 + 12: C's third token
  86     97  12   -      D      # B comes back into 2 blocks, until 94; D's second token
  97    108  16   -      B      # A comes back, until 104
 108    120  20   -      AB     # 3 blocks for B (8), 2 for A; B's seventh token
 120    131   8   -      A
 131    142  12   -      A      # A (8) takes a block
 142    153  12   -      A      # A's fifth token
"""

EVENTS = """
   0 ARRIVED   A  6 10
   0 ARRIVED   B  3 12
   0 PREDICTED A  9  0
   0 PREDICTED B  7  0
   0 ADMITTED  A  8  0
   0 ADMITTED  B  4  0
  10 PREFILLED B  1  3
  12 ARRIVED   C 10  6
  12 PREDICTED C  2  0
  14 ARRIVED   D  3  6
  14 PREDICTED D  3  0
  21 PREFILLED A  1  6
  21 PREEMPTED A  6  1
  34 SWAPPED_OUT A  6  0     # 13 = 1 + 2 x 6
  43 ADMITTED  C 12  0
  54 PREEMPTED B  7  1
  64 PREFILLED C  1 10
  69 SWAPPED_OUT B  7  0     # 15 = 1 + 2 x 7
  75 ADMITTED  D  4  0
  86 PREFILLED D  1  3
  86 FINISHED  C  3  0
  86 ADMITTED  B  8  0
  94 SWAPPED_IN B  7  0
  97 FINISHED  D  2  0
  97 ADMITTED  A  8  0
 104 SWAPPED_IN A  6  0
 120 FINISHED  B  7  1
 153 FINISHED  A  5  1
 153 IDLE      -  0  0
"""


def test_ltr_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)


def test_prompts_are_cut_to_what_the_decodes_leave_of_the_budget() -> None:
    """Each step has no more than 8 tokens, decodes included."""
    assert chunks(WORLD)[:6] == ["B3 A5", "A1", "-", "-", "C7", "C3"]
