"""Past-Future by hand: first come, first served while the foreseen peak is below nine tenths of the slots.

Sixteen slots, taken one by one: the peak may be 14 at most. Prefill first; short of slots, the last arrived is
recomputed. Two finished lengths are remembered, at the start one of 10. A step takes 10 + decode rows (ps).

| | arrival | prompt | max_new | output |
|---|---|---|---|---|
| A | 0 | 4 | 6 | 4 |
| B | 0 | 2 | 4 | 4 |
| C | 0 | 3 | 4 | 4 |
| D | 0 | 3 | 4 | 1 |
| E | 12 | 4 | 4 | 1 |

Draws u, in [0, 1), choose a place on the line from generated over the lengths above it (none beyond max_new) to
max_new. In brackets, slots still to write and slots written once the prefill has run.

| at | who | u | line | total | (left, written) |
|---|---|---|---|---|---|
| 0 | A | 0.073 | 0, 6, 6 | 0.9 → 1 | (0, 4) |
| | B | 0.833 | 0, 4, 4 | 4 | (3, 2) |
| | C | 0.189 | 0, 4, 4 | 1.5 → 2 | (1, 3) |
| | D | 0.321 | 0, 4, 4 | 2.6 → 3 | (2, 3) |
| 23 | A | 0.708 | 2, 6, 6 | 6 | (4, 5) |
| | B | 0.864 | 2, 4, 4 | 4 | (2, 3) |
| | C | 0.314 | 2, 4, 4 | 3.3 → 3 | (1, 4) |
| | E | 0.895 | 0, 1, 4, 4 | 4 | (3, 4) |
| 48 | C | 0.792 | 3, 4, 4, 4 | 4 | (0, 6) |
| | E | 0.895 | 0, 4, 4, 4 | 4 | (3, 4) |
"""

from s3sim.policies.rivals import PastFuture
from s3sim.policies.uniform import uniform
from tests.support.latency import LinearLatency
from tests.support.worlds import Row, world
from tests.worked.tables import events, steps, table

WORLD = world(
    "past_future",
    [
        Row(arrival=0, prompt=4, max_new=6, output=4),
        Row(arrival=0, prompt=2, max_new=4, output=4),
        Row(arrival=0, prompt=3, max_new=4, output=4),
        Row(arrival=0, prompt=3, max_new=4, output=1),
        Row(arrival=12, prompt=4, max_new=4, output=1),
    ],
    capacity=16,
    max_length=10,
    choices=PastFuture(window=2, lists=1, reserved=0.1),
    latency=LinearLatency(base=10, per_row=1),
)

STEPS = """
#  start end held prefill decode
   0     10  12   ABCD   -      # B, D, C, A: 3+2, 2*2+5, 1*3+8, 12: the peak is 12; D's only token
  10     23  12   -      ABC    # 9 and a slot each
  23     36  15   -      ABC    # E wants the 4 that are free; A, E, B, C: 4+5, 3*2+9, 2*3+12, 1*4+16: 20 is too much
  36     48  12   -      AB     # 1 free for three: A takes it, C is the last that came, B takes one; their last tokens
  48     58  10   CE     -      # nobody else: C; E, C: 3+4, 10: the peak is 10; the last tokens of both
"""

EVENTS = """
   0 ARRIVED   A  4  6
   0 ARRIVED   B  2  4
   0 ARRIVED   C  3  4
   0 ARRIVED   D  3  4
   0 ADMITTED  A  4  0
   0 ADMITTED  B  2  0
   0 ADMITTED  C  3  0
   0 ADMITTED  D  3  0
  10 PREFILLED A  1  4
  10 PREFILLED B  1  2
  10 PREFILLED C  1  3
  10 PREFILLED D  1  3
  10 FINISHED  D  1  0
  12 ARRIVED   E  4  4
  36 PREEMPTED C  5  0
  36 GROWN     A  1  7
  36 GROWN     B  1  5
  48 FINISHED  A  4  0
  48 FINISHED  B  4  0
  48 ADMITTED  C  6  0     # prompt 3 + 3 generated
  48 ADMITTED  E  4  0
  58 PREFILLED C  4  6
  58 PREFILLED E  1  4
  58 FINISHED  C  4  1
  58 FINISHED  E  1  0
  58 IDLE      -  0  0
"""

DRAWN = {(1, 0): 0.073, (4, 0): 0.833, (7, 0): 0.189, (10, 0): 0.321, (13, 0): 0.895}
DRAWN |= {(1, 2): 0.708, (4, 2): 0.864, (7, 2): 0.314, (7, 3): 0.792}


def test_the_draws_are_those_of_the_table() -> None:
    """A draw depends on the request's id and on what it has generated."""
    assert {key: round(uniform(*key, 0), 3) for key in DRAWN} == DRAWN


def test_past_future_follows_the_schedule_worked_out_by_hand() -> None:
    """Each step's members, times and slots, and each event, are those of the tables."""
    assert steps(WORLD) == table(STEPS)
    assert events(WORLD) == table(EVENTS)
