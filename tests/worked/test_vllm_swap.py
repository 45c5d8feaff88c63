"""vLLM by hand with swap: the last arrived moves to the host, who needs its block waits, prompts come last.

Twenty-four slots are six blocks of 4; an admission leaves one block free; a step takes 10 + decode rows (ps).
The host has room for 8 tokens; a move takes 1 ps, and 2 ps per token to the host or 3 ps per token to the device.

| | arrival | prompt | max_new | output |
|---|---|---|---|---|
| A | 0 | 3 | 9 | 8 |
| B | 0 | 8 | 10 | 9 |
| C | 0 | 6 | 6 | 5 |
| D | 40 | 2 | 3 | 2 |

The working shows blocks as held by A + B + C + D of 6, and (cached) where a block is needed.
"""

from s3sim.policies.registry import VLLM
from s3sim.sim.link import LinkSpeed
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "vllm",
    [
        Row(arrival=0, prompt=3, max_new=9, output=8),
        Row(arrival=0, prompt=8, max_new=10, output=9),
        Row(arrival=0, prompt=6, max_new=6, output=5),
        Row(arrival=40, prompt=2, max_new=3, output=2),
    ],
    capacity=24,
    choices=VLLM(block_tokens=4, watermark=0.17, on_shortage="swap"),
    latency=LinearLatency(base=10, per_row=1),
    host_tokens=8,
    link=LinkSpeed(to_host_ps_per_token=2, to_device_ps_per_token=3, latency_ps=1),
)

STEPS = """
#  start end held prefill decode
   0     10  20   ABC     -      # 1 + 2 + 2 blocks
   10    23  24   -       ABC    # 1 + 3 + 2: B (8) takes the last
   23    34  24   -       B      # A (4) finds none: C, the last arrived, leaves, and A waits for its blocks
   34    45  24   -       B      # C's blocks are held until the plan after 38
   45    57  20   -       AB     # 2 + 3: A has its block; D would fit, but C is on the host
   57    69  24   -       AB     # 2 + 4: B (12) takes the last
   69    81  24   -       AB
   81    93  24   -       AB
   93   104  12   -       A      # 3: A (8) finds none, B must go, and the host has room for 1 of its 15
  104   115  12   -       A      # 3 free: C needs 2, one to go on with and the watermark; A's eighth token
  137   148   8   -       C      # 2: 4 free, and B needs 4 and the watermark
  148   159  12   -       C      # 3: C (8) takes one
  159   170  12   -       C      # C's fifth token
  170   180  20   BD      -      # 4 + 1: B's 16 tokens at once; the token that the prefill emits is its last
  180   191   4   -       D
"""

EVENTS = """
   0 ARRIVED     A  3  9
   0 ARRIVED     B  8 10
   0 ARRIVED     C  6  6
   0 ADMITTED    A  4  0
   0 ADMITTED    B  8  0
   0 ADMITTED    C  8  0
  10 PREFILLED   A  1  3
  10 PREFILLED   B  1  8
  10 PREFILLED   C  1  6
  23 PREEMPTED   C  7  1
  23 STALLED     A  4  0
  38 SWAPPED_OUT C  7  0     # 23 + 1 + 7 x 2
  40 ARRIVED     D  2  3
  45 RESUMED     A  4  0
  93 PREEMPTED   B 15  3     # C's 7 tokens are on the host
  93 GROWN       A  4 12
 115 FINISHED    A  8  0
 115 ADMITTED    C  8  0     # before B, which arrived earlier but is a prompt again
 115 IDLE        -  8  0     # C alone is on its way: B needs 5 of 4, D is behind it
 137 SWAPPED_IN  C  7  0     # 115 + 1 + 7 x 3
 170 FINISHED    C  5  1
 170 ADMITTED    B 16  0     # prompt 8 + 8 generated
 170 ADMITTED    D  4  0
 180 PREFILLED   B  9 16
 180 PREFILLED   D  1  2
 180 FINISHED    B  9  1
 191 FINISHED    D  2  0
 191 IDLE        -  0  0
"""


def test_vllm_with_swap_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)


WAITING = world(
    "vllm",
    [Row(prompt=prompt, max_new=6, output=3) for prompt in (3, 3, 2, 2)],
    capacity=16,
    choices=VLLM(block_tokens=4, watermark=0.0, on_shortage="swap"),
    latency=LinearLatency(base=10, per_row=1),
    link=LinkSpeed(to_host_ps_per_token=3, to_device_ps_per_token=3, latency_ps=1),
)

WAITING_STEPS = """
#  start end held prefill decode
   0     10  16   ABCD    -      # 1 + 1 + 1 + 1 blocks of 4
   10    24  16   -       ABCD
   24    35  16   -       C      # A (4) and B (4) find none: D leaves, and its one block will not do; C's third token
   35    47  16   -       AB     # 2 + 2: they have the blocks of C and D, both there now; D needs 1 and one to go on
   57    68   4   -       D      # A and B had their third tokens at 47, D is back at 47 + 1 + 3 x 3
"""


def test_who_waits_for_a_block_goes_before_who_returns() -> None:
    """Two that sat a step out take the two free blocks, though the one whom they drove out would fit into them."""
    assert steps(WAITING) == table(WAITING_STEPS)
