"""TGI by hand: all but the last token reserved, prompts in batches, nobody is ever preempted.

Thirty slots; a step takes 10 + decode rows (ps). The last token's KV is never written, so it needs no slot.

| | arrival | prompt | max_new | reserves | output |
|---|---|---|---|---|---|
| A | 0 | 6 | 5 | 10 | 3 |
| B | 0 | 4 | 7 | 10 | 7: it writes every slot that it holds |
| C | 0 | 5 | 1 | 5: the prompt alone | 1 |
| D | 0 | 8 | 3 | 10 | 2 |
| E | 25 | 2 | 4 | 5 | 2 |
| F | 25 | 20 | 12 | 31 | 1 |
"""

from s3sim.policies.registry import TGI
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "tgi",
    [
        Row(arrival=0, prompt=6, max_new=5, output=3),
        Row(arrival=0, prompt=4, max_new=7, output=7),
        Row(arrival=0, prompt=5, max_new=1, output=1),
        Row(arrival=0, prompt=8, max_new=3, output=2),
        Row(arrival=25, prompt=2, max_new=4, output=2),
        Row(arrival=25, prompt=20, max_new=12, output=1),
    ],
    capacity=30,
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10  25   ABC     -      # 5 left: D waits; C's only token
   10    20  30   D       -      # D takes the rest; A and B wait for its prefill
   20    33  30   -       ABD    # D's second token
   33    43  25   E       -      # A and B wait again
   43    56  25   -       ABE    # the last tokens of A and E
   56    67  10   -       B      # what is left of A's reservation was given back unused
   67    78  10   -       B
   78    89  10   -       B
   89   100  10   -       B      # B's seventh token; 4 + 7 - 1 slots are written
"""

EVENTS = """
   0 ARRIVED   A  6  5
   0 ARRIVED   B  4  7
   0 ARRIVED   C  5  1
   0 ARRIVED   D  8  3
   0 ADMITTED  A 10  0
   0 ADMITTED  B 10  0
   0 ADMITTED  C  5  0
  10 PREFILLED A  1  6
  10 PREFILLED B  1  4
  10 PREFILLED C  1  5
  10 FINISHED  C  1  0
  10 ADMITTED  D 10  0
  20 PREFILLED D  1  8
  25 ARRIVED   E  2  4
  25 ARRIVED   F 20 12
  25 REJECTED  F 20  1
  33 FINISHED  D  2  0
  33 ADMITTED  E  5  0
  43 PREFILLED E  1  2
  56 FINISHED  A  3  0
  56 FINISHED  E  2  0
 100 FINISHED  B  7  0
 100 IDLE      -  0  0
"""


def test_tgi_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)


BUDGET = world(
    "tgi",
    [Row(prompt=prompt, max_new=4, output=2) for prompt in (8, 8, 1)],
    capacity=64,
    max_length=16,
    choices=TGI(max_batch_prefill_tokens=16),
    latency=LinearLatency(base=10, per_row=1),
)

BUDGET_STEPS = """
#  start end held prefill decode
   0     10  22   AB      -      # 8 + 8 tokens are the budget of 16; 2 x 11 slots
   10    20  26   C       -
   20    33  26   -       ABC
"""


def test_prefills_up_to_the_token_budget_share_a_step() -> None:
    """Prompts fill a step up to the budget and no further; the rest come with the next step, before any decode."""
    assert steps(BUDGET) == table(BUDGET_STEPS)


WAITING = world(
    "tgi",
    [
        *(Row(prompt=2, max_new=12, output=output) for output in (9, 9, 9, 12)),
        Row(arrival=15, prompt=2, max_new=3, output=2),
        Row(arrival=30, prompt=2, max_new=3, output=3),
    ],
    capacity=100,
    choices=TGI(waiting_served_ratio=0.5, max_waiting_tokens=4),
    latency=LinearLatency(base=10, per_row=1),
)

WAITING_STEPS = """
#  start end held prefill decode
   0     10  52   ABCD    -
   10    24  52   -       ABCD   # E came at 15: one waits, and half of four that run are two
   24    38  52   -       ABCD   # F came at 30
   38    48  60   EF      -
   48    64  60   -       ABCDEF # a decode step lies between two prefills; E's second token
"""


def test_prompts_wait_until_they_are_worth_a_pause() -> None:
    """One prompt does not stop four sequences, two do, at a ratio of one half."""
    assert steps(WAITING)[:5] == table(WAITING_STEPS)


def test_after_so_many_decode_steps_a_single_prompt_is_enough() -> None:
    """Counted as TGI counts: 1 after a prefill and 1 more with each decode step, E is served at 4, after three."""
    alone = WAITING.but(rows=WAITING.rows[:-1])
    assert steps(alone)[3:5] == ["38 52 52 - ABCD", "52 62 56 E -"]
