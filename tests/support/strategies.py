"""Random worlds that are short of memory, for every system by name.

A world is made from a seed and a number of rows, so that worlds are independent of each other and
cost little to draw; a failing one shrinks by losing rows.
"""

from dataclasses import fields, replace
from random import Random
from typing import Any, Literal, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from s3sim.core.errors import InputError
from s3sim.policies.registry import SYSTEMS, Choices
from s3sim.sim.link import LinkSpeed
from tests.support.latency import LinearLatency
from tests.support.traits import foresight
from tests.support.worlds import Row, World

__all__ = ["random_world", "worlds"]

BLOCK = 16  # slots
PICOSECOND = 1e-12  # seconds
MOST_ROWS = 24
OPEN: dict[str, tuple[Any, ...]] = {  # choices that are open though their type is not a literal
    "max_num_seqs": (None, None, 1, 2, 5),
    "ageing_s": (None, 0.0, 40 * PICOSECOND, 30.0),
    "block_tokens": (16, 16, 4, 1),
    "watermark": (0.01, 0.0, 0.1),
    "max_num_batched_tokens": (None, 160, 16, 1),
    "token_budget": (512, 16, 3),
    "max_batch_prefill_tokens": (4096, 160),
    "waiting_served_ratio": (0.3, 0.0, 1.2, 3.0),
    "max_waiting_tokens": (20, 1, 2, 5),
    "longest_wait_s": (100.0, None, 0.0, 300 * PICOSECOND),
    "longest_wait_times": (10.0, None, 0.0, 2.0),
    "batch_size": (1, 2, 3, 8),
    "overallocation": (1.0, 1.44),
    "granule_slots": (1, 4, 16),
    "tensors": (2, 56),
    "starvation_steps": (200, None, 1, 4, 15),
    "period_steps": (10, 1, 3, 100),
    "preemptible": (0.8, 1.0, 0.5, 0.0),
    "lower": (0.5, 1.0, 0.0),
    "upper": (1.0, 0.5, 2.0),
    "window": (200, 4),
    "lists": (5, 1),
    "reserved": (0.05, 0.0, 0.3),
}


NEVER_REFUSED: dict[str, Any] = {
    "batch_size": 1,
    "max_num_batched_tokens": None,
    "max_batch_prefill_tokens": 4096,
}


def worlds(name: str, *, instant: bool = False, lanes: bool = False) -> st.SearchStrategy[World]:
    """Worlds of up to 24 requests on 8 to 128 blocks' worth of slots a lane.

    `instant` allows moves of 0 ps, `lanes` up to three lanes.
    """

    def make(seed: int, rows: int) -> World:
        return random_world(name, Random(seed), rows=rows, instant=instant, lanes=(1, 2, 2, 3, 3) if lanes else (1,))

    return st.builds(make, seed=st.integers(0, 2**32 - 1), rows=st.integers(10, MOST_ROWS))


def random_world(name: str, random: Random, *, rows: int, instant: bool, lanes: tuple[int, ...] = (1,)) -> World:
    """A world that depends on the state of `random` alone; each lane has as many slots as a world of one."""
    max_length = random.choice([24, 48, 96, 160])
    capacity = random.choice([8, 8, 9, 12, 16, 24, 128]) * BLOCK + random.choice([0, 0, 5])
    one = World(
        name=name,
        choices=_allowed(_choices(name, random), name, capacity=capacity, max_length=max_length),
        rows=_rows(name, random, rows, max_length=max_length),
        capacity=capacity,
        max_length=max_length,
        latency=_latency(random),
        host_tokens=random.choice([1 << 30, 1 << 30, 60, 30, 0]),
        link=_link(random, instant=instant),
        predictor_ps=random.choice([0, 0, 5, 37]),
        servers=random.choice([None, 1, 2]),
    )
    number = random.choice(lanes)
    return one.but(lanes=number, capacity=capacity * number + random.randrange(number))


def _choices(name: str, random: Random) -> Choices:
    kind: Any = SYSTEMS[name].choices
    hints = get_type_hints(kind)
    drawn = {field.name: random.choice(OPEN[field.name]) for field in fields(kind) if field.name in OPEN}
    literal = [field.name for field in fields(kind) if get_origin(hints[field.name]) is Literal]
    drawn |= {key: random.choice(get_args(hints[key])) for key in literal}
    made: Choices = kind(**drawn)
    return made


def _allowed(choices: Choices, name: str, *, capacity: int, max_length: int) -> Choices:
    """The same choices, but for those that the system refuses on so small a device, or for so long sequences."""
    try:
        choices.scheduler(name=name, capacity=capacity, max_length=max_length)
    except InputError:
        known = {field.name for field in fields(choices)}  # type: ignore[arg-type]
        return replace(choices, **{key: value for key, value in NEVER_REFUSED.items() if key in known})  # type: ignore[type-var]
    return choices


def _latency(random: Random) -> LinearLatency:
    return LinearLatency(
        base=random.choice([10, 7]),
        per_row=random.randint(0, 1),
        per_token=random.randint(0, 1),
        per_slot=random.randint(0, 1),
        per_relocated=random.choice([0, 2]),
        floor=random.choice([0, 0, 40, 300]),
    )


def _link(random: Random, *, instant: bool) -> LinkSpeed:
    return LinkSpeed(
        to_host_ps_per_token=random.choice([0, 1, 1, 30]),
        to_device_ps_per_token=random.choice([0, 1, 1, 30]),
        latency_ps=random.choice([0, 1, 10] if instant else [1, 10]),
    )


def _rows(name: str, random: Random, number: int, *, max_length: int) -> tuple[Row, ...]:
    gap = random.choice([0, 0, 1, 10, 40])
    unit = random.choice([1, 8, 16])  # coarse lengths make equal reservations, and devices without a free slot, common
    rows, arrival = [], 0
    for _ in range(number):
        arrival += gap * random.randint(0, 3)
        rows.append(_row(name, random, arrival=arrival, unit=unit, max_length=max_length))
    return tuple(rows)


def _row(name: str, random: Random, *, arrival: int, unit: int, max_length: int) -> Row:
    prompt = unit * random.randint(1, max(1, max_length // 2 // unit))
    limit = max_length - prompt
    max_new = random.choice([limit, random.randint(1, limit), random.randint(1, limit)])
    output = random.randint(1, max_new)
    row = Row(arrival=arrival, prompt=prompt, output=output, max_new=max_new, excluded=random.random() < 1 / 16)
    guess = -(-random.choice([1, 2, max(1, output // 3), output, output + 3, max_length]) // unit) * unit
    return replace(row, predicted=foresight(name, row, guess, bucket=max(1, max_length // 10)))
