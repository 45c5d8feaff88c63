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

from typing import Any

import pytest

from s3sim.core.errors import InputError
from s3sim.core.events import Event
from s3sim.policies.registry import SYSTEMS, VLLM
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
  113   125  16   -      CD     # 2 + 2; E wants 5 and the watermark, F waits behind it; the last tokens of both
  125   135  20   E      -      # 5, and the watermark's; the token that the prefill emits is its last
  135   145   4   F      -
  145   156   4   -      F      # F's second token
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
 125 FINISHED  C  4  1
 125 FINISHED  D  2  0
 125 ADMITTED  E 20  0
 135 PREFILLED E  1 18
 135 FINISHED  E  1  0
 135 ADMITTED  F  4  0
 145 PREFILLED F  1  2
 156 FINISHED  F  2  0
 156 IDLE      -  0  0
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
    choices=VLLM(block_tokens=4, watermark=0.0, max_num_batched_tokens=16),
    latency=LinearLatency(base=10, per_row=1),
)

BUDGET_STEPS = """
#  start end held prefill decode
   0     10  16   AB     -      # 8 + 8 tokens are the budget of 16
   10    20  20   C       -      # A and B wait for this prefill too
   20    33  28   -       ABC    # A (8) and B (8) take a block each
"""


def test_prefills_up_to_the_token_budget_share_a_step() -> None:
    """Prompts fill a step up to the budget and no further; the rest come with the next step, before any decode."""
    assert steps(BUDGET) == table(BUDGET_STEPS)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("vllm", "max_num_batched_tokens"),
        ("trail", "max_num_batched_tokens"),
        ("past_future", "max_num_batched_tokens"),
        ("tgi", "max_batch_prefill_tokens"),
    ],
)
def test_a_budget_below_the_longest_sequence_is_refused(name: str, field: str) -> None:
    """As the engines refuse it where prompts are not chunked: never raised in silence."""
    choices: Any = SYSTEMS[name].choices
    with pytest.raises(InputError, match=rf"{name}\.{field}: 15 tokens .* max_length 16"):
        choices(**{field: 15}).scheduler(name=name, capacity=64, max_length=16)


@pytest.mark.parametrize("name", ["vllm", "sarathi", "ltr", "trail", "ssjf"])
def test_a_device_as_large_as_the_longest_sequence_serves_all(name: str) -> None:
    """The watermark is for admitting prompts beside others: with slots for one sequence nobody is rejected."""
    predicted = None if SYSTEMS[name].needs == "nothing" else 34
    rows = [Row(prompt=30, max_new=34, output=34, predicted=predicted) for _ in range(20)]
    log = world(name, rows, capacity=64).run()
    assert sum(row[1] == Event.FINISHED for row in log.event_rows()) == 20
