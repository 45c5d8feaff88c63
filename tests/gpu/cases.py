"""Random worlds that are short of memory, for every system by name, and the simulator's log of each."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from random import Random
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints
from zlib import crc32

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gpu_validate.clock import Foretold
from gpu_validate.world import World
from s3sim.core.batch import Affine, Batch
from s3sim.core.events import Event, EventLog, Preemption
from s3sim.policies.peak import SmallestBound
from s3sim.policies.ranked import TopRanked
from s3sim.policies.registry import SYSTEMS, Choices
from s3sim.policies.supervisor import Doubling, LastArrived, OutOfMemory
from s3sim.sim.inbox import Inbox, ready_times
from s3sim.sim.link import LinkSpeed
from s3sim.sim.world import Device, run_world
from tests.gpu.models import IDENTS, LONGEST

__all__ = ["NAMES", "Case", "Fixed", "Linear", "case_of", "on_cases", "rare", "simulated"]

NAMES = tuple(SYSTEMS)
MAX_LENGTH = 40  # tokens
Fixed: TypeAlias = Mapping[str, Any]  # choices by name
PICOSECOND = 1e-12  # seconds
OPEN: dict[str, tuple[Any, ...]] = {  # choices whose type does not say what to draw
    "max_num_seqs": (None, None, None, 2, 5),
    "ageing_s": (None, 40 * PICOSECOND, 30.0),
    "block_tokens": (16, 4, 1),
    "watermark": (0.01, 0.1),
    "token_budget": (4, 9, 512),
    "batch_size": (2, 3, 8),
    "granule_slots": (1, 16),
    "tensors": (4,),
    "on_oom": ("halve_and_rerun",),  # else a batch size that does not fit is refused
    "tpot_limit_ms": (None, None, None, None, 4e-8),  # 40 ps
    "starvation_steps": (200, None, 1, 4),
    "period_steps": (10, 1, 3),
    "preemptible": (0.8, 1.0, 0.0),
    "lower": (0.5, 1.0, 0.0),
    "upper": (1.0, 0.5, 2.0),
    "window": (200, 4),
    "reserved": (0.05, 0.0),
    "lists": (1, 5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A step of base + rows + tokens + slots read and moved, each at its price in ps."""

    base: int
    row: int
    token: int
    slot: int

    def affine(self, batch: Batch) -> Affine:
        """Only the context grows from one step to the next."""
        rows = batch.decode_sequences
        first = self.base + self.row * rows + self.token * batch.prefill_tokens + self.slot * batch.decode_context
        return Affine(first + 2 * batch.relocated_tokens, self.slot * rows, 1 << 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A world, with the durations that the simulator gives it."""

    world: World
    latency: Linear
    link: LinkSpeed
    prompts: dict[int, int]  # prompt tokens by request id

    @property
    def clock(self) -> Foretold:
        """The simulator's durations, for a replay."""
        link = self.link
        return Foretold(
            model=self.latency,
            to_host_ps_per_token=link.to_host_ps_per_token,
            to_device_ps_per_token=link.to_device_ps_per_token,
            latency_ps=link.latency_ps,
        )


def simulated(case: Case) -> EventLog:
    """The simulator's own log of the case, with stretches."""
    world = case.world
    device = Device(
        model=case.latency,
        capacity=world.capacity,
        host_tokens=world.host_tokens,
        link=case.link,
        max_length=world.max_length,
    )
    return run_world(
        name=world.name, choices=world.choices, device=device, inbox=world.inbox(), output_tokens=world.outputs
    )


def on_cases(
    check: Callable[[Case], EventLog],
    name: str,
    *,
    number: int,
    salt: str = "",
    tick: int = 1,
    repeatable: bool = True,
    fixed: Fixed = MappingProxyType({}),
    must: frozenset[str] = frozenset(),
) -> None:
    """Check random cases of a system, the same each time; a session without the rare events fails too.

    Arrivals are `tick` ps times a small number apart, or all at once. Not `repeatable` are checks by
    measured time, in which rare events may or may not happen. `fixed` choices are not drawn, and what
    `must` happen is added to the rare events.
    """
    seen: Counter[str] = Counter()

    @seed(crc32(f"{check.__module__}.{check.__qualname__} {name} {salt}".encode()))
    @settings(
        max_examples=number,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**32 - 1), st.integers(7, 12))
    def session(start: int, rows: int) -> None:
        seen.update(rare(check(case_of(name, Random(start), rows, tick=tick, fixed=fixed))))

    session()
    never = (must or _can_happen(name)) - seen.keys() if repeatable else set[str]()
    assert not never, f"{name}: {sorted(never)} never happened in {number} cases: the test would pass on nothing"


def rare(log: EventLog) -> Counter[str]:
    """How often each rare event happened in a run."""
    counted = (Event.SWAPPED_IN, Event.REJECTED, Event.COMPACTED, Event.GROWN, Event.STALLED, Event.RESUMED)
    seen = Counter(event.name for row in log.event_rows() if (event := Event(row[1])) in counted)
    seen.update(Preemption(row[4]).name for row in log.event_rows() if row[1] == Event.PREEMPTED)
    return +seen


def _can_happen(name: str) -> set[str]:
    """What a session of a few cases must show of a system, told from its parts."""
    choices = SYSTEMS[name].choices()
    scheduler = choices.scheduler(name=name, capacity=64, max_length=32)
    if isinstance(scheduler.selection, TopRanked) and scheduler.selection.swap:
        return {"SWAP", "SWAPPED_IN"}
    if scheduler.displacement is not None or isinstance(scheduler.supervisor, SmallestBound):
        return {"RECOMPUTE"}
    if isinstance(scheduler.supervisor, Doubling):
        guesses = SYSTEMS[name].needs == "predictor"
        return {"COMPACTED", "SWAP", "RECOMPUTE", "SWAPPED_IN"} if guesses else {"COMPACTED"}
    if isinstance(scheduler.supervisor, LastArrived):
        return {"RECOMPUTE"} | ({"SWAPPED_IN", "STALLED", "RESUMED"} if name == "vllm" else set())
    return {"RESTART"} if isinstance(scheduler.supervisor, OutOfMemory) else set()


def case_of(name: str, random: Random, rows: int, *, tick: int = 1, fixed: Fixed = MappingProxyType({})) -> Case:
    """A case that depends on the state of `random` and the `fixed` choices alone."""
    ids = np.array(IDENTS[:rows])
    prompt = np.array([random.choice((1, 2, 5, 9)) for _ in range(rows)])
    output = np.array(
        [random.randint(*random.choice(((1, 4), (1, LONGEST), (LONGEST // 2, LONGEST)))) for _ in range(rows)]
    )
    limit = np.minimum(MAX_LENGTH - prompt, np.array([random.choice((LONGEST, 30, 60)) for _ in range(rows)]))
    gap = random.choice((0, 0, 15, 40)) * tick  # ps; 0 is a burst
    arrival = np.cumsum([round(random.expovariate(1) * gap) for _ in range(rows)])
    predicted = _predicted(name, random, output)
    ready = ready_times(arrival, seconds_ps=random.choice((0, 7)) if predicted is not None else 0, concurrency=1)

    def inbox() -> Inbox:
        return Inbox(
            ids=ids, arrival=arrival, prompt_tokens=prompt, max_new_tokens=limit, ready=ready, predicted=predicted
        )

    choices, latency = _choices(name, random, fixed), _latency(random)
    world = World(
        name=name,
        choices=choices,
        capacity=random.choice((41, 48, 64, 90)),
        host_tokens=random.choice((1 << 30, 1 << 30, 1 << 30, 60, 0)),
        max_length=MAX_LENGTH,
        inbox=inbox,
        outputs=dict(zip(ids.tolist(), output.tolist(), strict=True)),
        latency=latency,
    )
    prompts = dict(zip(ids.tolist(), prompt.tolist(), strict=True))
    return Case(world=world, latency=latency, link=_link(random), prompts=prompts)


def _predicted(name: str, random: Random, output: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any] | None":
    bucket = 5
    return {
        "nothing": None,
        "predictor": np.array([random.randint(1, LONGEST) for _ in output]),
        "oracle_exact": output,
        "oracle_bucket": -(-output // bucket) * bucket,
    }[SYSTEMS[name].needs]


def _choices(name: str, random: Random, fixed: Fixed) -> Choices:
    kind: Any = SYSTEMS[name].choices
    hints = get_type_hints(kind)
    drawn = {field.name: random.choice(OPEN[field.name]) for field in fields(kind) if field.name in OPEN}
    literal = [field.name for field in fields(kind) if get_origin(hints[field.name]) is Literal]
    drawn |= {key: random.choice(get_args(hints[key])) for key in literal if key not in OPEN}
    made: Choices = kind(**drawn | fixed)
    return made


def _latency(random: Random) -> Linear:
    return Linear(
        base=random.choice((10, 7)), row=random.randint(0, 1), token=random.randint(0, 1), slot=random.randint(0, 1)
    )


def _link(random: Random) -> LinkSpeed:
    return LinkSpeed(
        to_host_ps_per_token=random.choice((0, 2)),
        to_device_ps_per_token=random.choice((0, 3)),
        latency_ps=random.choice((0, 1, 40)),
    )
