"""vLLM by hand: blocks, prefill first, a watermark of one block, recompute of the last arrived.

Twenty-four slots are six blocks of 4; an admission leaves one block free; a step takes 10 + decode rows (ps).

| | arrival | prompt | max_new | output |
|---|---|---|---|---|
| A | 0 | 4 | 12 | 8 |
| B | 0 | 7 | 9 | 7 |
| C | 0 | 3 | 8 | 4 |
| D | 20 | 5 | 5 | 2 |
| E | 21 | 18 | 6 | 1: five blocks and the watermark are six: it fits when nobody else is there |
| F | 104 | 2 | 4 | 2 |

The working shows blocks as held by A + B + C + D + E + F of 6, and (cached) where a block is needed.
"""

from s3sim.policies.registry import VLLM
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "vllm",
    [
        Row(arrival=0, prompt=4, max_new=12, output=8),
        Row(arrival=0, prompt=7, max_new=9, output=7),
        Row(arrival=0, prompt=3, max_new=8, output=4),
        Row(arrival=20, prompt=5, max_new=5, output=2),
        Row(arrival=21, prompt=18, max_new=6, output=1),
        Row(arrival=104, prompt=2, max_new=4, output=2),
    ],
    capacity=24,
    choices=VLLM(block_tokens=4, watermark=0.17),
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10  16   ABC     -      # 1 + 2 + 1 blocks
   10    23  20   -       ABC    # 2 + 2 + 1: A (4) takes one
   23    35  20   -       AB     # 2 + 3: B (8) takes the last, C (4) finds none and is itself the last arrived
   35    47  20   -       AB     # 1 free: C needs 2 and the watermark; D waits behind it
   47    59  20   -       AB
   59    71  24   -       AB     # 3 + 3: A (8) takes the last
   71    82  12   -       A      # 3: B (12) finds none and is the last arrived of A and B
   82    93  12   -       A      # 3 free: B needs 4 and the watermark; A's eighth token
   93   103  16   B       -      # 4: B's 13 tokens at once; the token that the prefill emits is its last
  103   113  16   CD      -      # 2 + 2
  113   123  20   F       -      # 2 + 2 + 1: C and D must wait for the prefill
  123   136  20   -       CDF    # the last tokens of all
"""

EVENTS = """
   0 ARRIVED   A  4 12
   0 ARRIVED   B  7  9
   0 ARRIVED   C  3  8
   0 ADMITTED  A  4  0
   0 ADMITTED  B  8  0
   0 ADMITTED  C  4  0
  10 PREFILLED A  1  4
  10 PREFILLED B  1  7
  10 PREFILLED C  1  3
  20 ARRIVED   D  5  5
  21 ARRIVED   E 18  6
  21 REJECTED  E 18  1
  23 PREEMPTED C  4  0
  23 GROWN     B  4 12
  71 PREEMPTED B 12  0
  93 FINISHED  A  8  0
  93 ADMITTED  B 16  0     # prompt 7 + 6 generated = 13 tokens: 4 blocks
 103 PREFILLED B  7 13
 103 FINISHED  B  7  1
 103 ADMITTED  C  8  0     # prompt 3 + 2 generated = 5 tokens: 2 blocks
 103 ADMITTED  D  8  0
 104 ARRIVED   F  2  4
 113 PREFILLED C  3  5
 113 PREFILLED D  1  5
 113 ADMITTED  F  4  0     # one block, and the watermark's is free
 123 PREFILLED F  1  2
 136 FINISHED  C  4  1
 136 FINISHED  D  2  0
 136 FINISHED  F  2  0
 136 IDLE      -  0  0
"""


def test_vllm_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)


BUDGET = world(
    "vllm",
    [Row(prompt=prompt, max_new=4, output=2) for prompt in (8, 8, 1)],
    capacity=64,
    max_length=16,
    choices=VLLM(block_tokens=4, watermark=0.0, max_num_batched_tokens=1),
    latency=LinearLatency(base=10, per_row=1),
)

BUDGET_STEPS = """
#  start end held prefill decode
   0     10  16   AB      -      # 8 + 8 tokens are the budget of 16, no less than the longest sequence
   10    20  20   C       -      # A and B wait for this prefill too
   20    33  28   -       ABC    # A (8) and B (8) take a block each
"""


def test_prefills_up_to_the_token_budget_share_a_step() -> None:
    """Prompts fill a step up to the budget and no further; the rest come with the next step, before any decode."""
    assert steps(BUDGET) == table(BUDGET_STEPS)
