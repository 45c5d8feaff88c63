"""FasterTransformer by hand: request-level batches, one allocation of the maximum for each row, padded prompts.

Rows of 12 slots (1.2 times the maximum length of 10) on 38 slots: three would fit, but 8 rows halved until they do
are two. A step takes 10 + rows + prompt positions (ps), finished rows and padding included.

| | arrival | prompt | max_new | output |
|---|---|---|---|---|
| A | 0 | 2 | 8 | 4 |
| B | 0 | 5 | 5 | 2 |
| C | 0 | 3 | 7 | 1 |
| D | 20 | 1 | 9 | 3 |
| E | 21 | 4 | 6 | 2 |
"""

from dataclasses import replace

import pytest

from s3sim.core.errors import InputError
from s3sim.policies.registry import FasterTransformer
from tests.support.latency import PaddedLatency
from tests.support.worlds import Row, world
from tests.worked.tables import columns, events, steps, table

CHOICES = FasterTransformer(batch_size=8, on_oom="halve_and_rerun", overallocation=1.2, delivery="batch_end")
WORLD = world(
    "fastertransformer",
    [
        Row(arrival=0, prompt=2, max_new=8, output=4),
        Row(arrival=0, prompt=5, max_new=5, output=2),
        Row(arrival=0, prompt=3, max_new=7, output=1),
        Row(arrival=20, prompt=1, max_new=9, output=3),
        Row(arrival=21, prompt=4, max_new=6, output=2),
    ],
    capacity=38,
    max_length=10,
    choices=CHOICES,
    latency=PaddedLatency(),
)

STEPS = """
#  start end held prefill decode
   0     20  24   AB      -      # 2 x 5 positions
  20     32  24   -       AB     # 2 rows; B's second token
  32     44  24   -       A      # B's row is computed all the same, and C and D wait
  44     56  24   -       A      # A's fourth token
  56     72  24   CD      -      # 2 x 3 positions; C's only token
  72     84  24   -       D      # C's row too
  84     96  24   -       D      # D's third token
  96    110  12   E       -      # E came too late to be in C's and D's batch, whose third row would have been free
 110    121  12   -       E
"""

COLUMNS = ("prefill_tokens", "padding_tokens", "decode_sequences", "padding_rows", "decode_context", "padding_slots")
PADDING = """
# prompt padding  decode finished  context padding
   7     3        0      0         0       0        # A is 3 short of B
   0     0        2      0         7       3        # 2 rows of 5, A 2 and B 5 of them
   0     0        1      1         3       9        # 2 rows of 6
   0     0        1      1         4      10        # 2 rows of 7
   4     2        0      0         0       0        # D is 2 short of C
   0     0        1      1         1       5        # 2 rows of 3
   0     0        1      1         2       6        # 2 rows of 4
   4     0        0      0         0       0
   0     0        1      0         4       0
"""

EVENTS = """
   0 ARRIVED   A  2  8
   0 ARRIVED   B  5  5
   0 ARRIVED   C  3  7
   0 ADMITTED  A 12  0
   0 ADMITTED  B 12 12
  20 ARRIVED   D  1  9
  20 PREFILLED A  1  2
  20 PREFILLED B  1  5
  21 ARRIVED   E  4  6
  56 FINISHED  A  4  0
  56 FINISHED  B  2  0     # at 32 where tokens are delivered one by one
  56 ADMITTED  C 12  0
  56 ADMITTED  D 12 12
  72 PREFILLED C  1  3
  72 PREFILLED D  1  1
  96 FINISHED  C  1  0     # at 72 likewise
  96 FINISHED  D  3  0
  96 ADMITTED  E 12  0
 110 PREFILLED E  1  4
 121 FINISHED  E  2  0
 121 IDLE      -  0  0
"""
SOONER = {"56 FINISHED B 2 0": 32, "96 FINISHED C 1 0": 72}  # under `delivery: token`


def test_fastertransformer_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times, slots and padding, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert columns(WORLD, *COLUMNS) == table(PADDING)
    assert events(WORLD) == table(EVENTS)


def test_tokens_delivered_one_by_one_change_no_step() -> None:
    """With `delivery: token` a client has its answer when its own row is finished; the steps are the same."""
    one_by_one = WORLD.but(choices=replace(CHOICES, delivery="token"))
    assert steps(one_by_one) == table(STEPS)
    sooner = [f"{SOONER[line]} {line.split(' ', 1)[1]}" if line in SOONER else line for line in table(EVENTS)]
    assert sorted(events(one_by_one)) == sorted(sooner)


def test_rows_that_do_not_fit_are_an_error_where_nobody_halves() -> None:
    """With `on_oom: fail` 8 rows on a device for 3 are refused, and the message says how many fit."""
    with pytest.raises(InputError, match="8 rows of the maximum length do not fit, 3 do"):
        WORLD.but(choices=replace(CHOICES, on_oom="fail")).run()
