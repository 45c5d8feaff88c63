"""SSJF by hand: the shortest predicted first, the batch formed anew only when a request has finished, recompute.

Twenty-eight slots are seven blocks of 4; at most two run; a step takes 10 + decode rows (ps).

| | arrival | prompt | predicted | max_new | output |
|---|---|---|---|---|---|
| A | 0 | 4 | 6 | 10 | 6 |
| B | 0 | 3 | 9 | 9 | 5 |
| C | 5 | 2 | 2 | 8 | 2 |
| D | 7 | 6 | 3 | 9 | 4 |
"""

from dataclasses import replace

from s3sim.policies.rivals import SSJF
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

PICOSECOND = 1e-12  # s

CHOICES = SSJF(max_num_seqs=2, block_tokens=4, watermark=0.0, longest_wait_s=None, longest_wait_times=None)
WORLD = world(
    "ssjf",
    [
        Row(arrival=0, prompt=4, predicted=6, max_new=10, output=6),
        Row(arrival=0, prompt=3, predicted=9, max_new=9, output=5),
        Row(arrival=5, prompt=2, predicted=2, max_new=8, output=2),
        Row(arrival=7, prompt=6, predicted=3, max_new=9, output=4),
    ],
    capacity=28,
    choices=CHOICES,
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10   8   AB     -
  10     22  12   -      AB     # C (2) and D (3) are before both, and wait for an end; A (4) takes a block
  22     34  16   -      AB     # B (4) takes one
  34     46  16   -      AB
  46     58  16   -      AB     # B's fifth token
  58     68  20   CD     -      # C takes B's place, D that of A (6), who keeps its 2 blocks: 2 + 1 + 2
  68     80  20   -      CD     # C's second token
  80     92  20   -      AD     # A takes C's place; A (8) takes a third block; A's sixth token
  92    103  12   -      D      # D (8) takes a third block; D's fourth token
"""

EVENTS = """
   0 ARRIVED   A  4 10
   0 ARRIVED   B  3  9
   0 PREDICTED A  6  0
   0 PREDICTED B  9  0
   0 ADMITTED  A  4  0
   0 ADMITTED  B  4  0
   5 ARRIVED   C  2  8
   5 PREDICTED C  2  0
   7 ARRIVED   D  6  9
   7 PREDICTED D  3  0
  10 PREFILLED A  1  4
  10 PREFILLED B  1  3
  58 FINISHED  B  5  0
  58 ADMITTED  C  4  0
  58 ADMITTED  D  8  0
  58 STALLED   A  8  1
  68 PREFILLED C  1  2
  68 PREFILLED D  1  6
  80 FINISHED  C  2  0
  80 RESUMED   A  8  1
  92 FINISHED  A  6  0
 103 FINISHED  D  4  0
 103 IDLE      -  0  0
"""


def test_ssjf_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)


def test_whoever_waits_too_long_comes_first() -> None:
    """At 58 A is 58 ps old, more than 57: all are served by age, so A stays, and D waits for the next end."""
    guarded = WORLD.but(choices=replace(CHOICES, longest_wait_s=57 * PICOSECOND))
    assert steps(guarded)[5:7] == ["58 69 16 C A", "69 80 12 D C"]
    unguarded = WORLD.but(choices=replace(CHOICES, longest_wait_s=58 * PICOSECOND))
    assert steps(unguarded) == steps(WORLD)


def test_a_wait_is_held_against_the_length_that_is_foreseen() -> None:
    """At 58 A has 1 of 6 tokens left, and a step that it joins takes 12 ps: 58 ps are more than 4 times that, not 5."""
    for times, order in ((4.0, "69 80 12 D C"), (5.0, "68 80 20 - CD")):
        assert steps(WORLD.but(choices=replace(CHOICES, longest_wait_times=times)))[6] == order
