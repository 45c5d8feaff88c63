"""What a system can do, told from its parts and never from its name."""

from dataclasses import fields

from s3sim.core.kv_cache import ContiguousKV, PagedKV
from s3sim.core.piecewise import PiecewiseKV
from s3sim.core.replica import Scheduler
from s3sim.policies.registry import SYSTEMS
from s3sim.policies.supervisor import Doubling, NoOverrun, OutOfMemory
from tests.support.worlds import Row, World

__all__ = [
    "AGEING",
    "CONTIGUOUS",
    "ITERATION",
    "NAMES",
    "PAGED",
    "block_tokens",
    "can_happen",
    "foresight",
    "granule",
    "must_not_happen",
    "scheduler",
]

NAMES = tuple(SYSTEMS)
AGEING = tuple(name for name in NAMES if "ageing_s" in {field.name for field in fields(SYSTEMS[name].choices)})


def scheduler(name: str) -> Scheduler:
    """The system's scheduler by default, for a small device."""
    return SYSTEMS[name].choices().scheduler(name=name, capacity=64, max_length=64)


ITERATION = tuple(name for name in NAMES if scheduler(name).static is None)  # rows leave when they are finished
CONTIGUOUS = tuple(name for name in ITERATION if isinstance(SYSTEMS[name].choices().kv(64), ContiguousKV))
PAGED = tuple(name for name in ITERATION if isinstance(SYSTEMS[name].choices().kv(64), PagedKV))


def block_tokens(world: World) -> int | None:
    """Slots in a block; None where reservations are contiguous."""
    kv = world.choices.kv(world.capacity)
    return kv.block_tokens if isinstance(kv, PagedKV) else None


def granule(world: World) -> int | None:
    """Slots to which the tensors of a padded batch are rounded; None where each row has slots of its own."""
    piecewise = isinstance(world.choices.kv(world.capacity), PiecewiseKV)
    return getattr(world.choices, "granule_slots", None) if piecewise else None


def foresight(name: str, row: Row, guess: int, *, bucket: int) -> int | None:
    """What the system is told of a row: nothing, the truth, its bucket of width `bucket`, or any guess."""
    needs = SYSTEMS[name].needs
    if needs == "nothing":
        return None
    if needs == "predictor":
        return guess
    return row.output if needs == "oracle_exact" else -(-row.output // bucket) * bucket


def can_happen(name: str) -> set[str]:
    """Rare events that random worlds of this system, short of memory, must show."""
    supervisor = scheduler(name).supervisor
    events = {"REJECTED", "WAITED"}
    if name in CONTIGUOUS:
        events.add("COMPACTED")
    if isinstance(supervisor, NoOverrun) or SYSTEMS[name].needs.startswith("oracle"):
        return events
    if isinstance(supervisor, OutOfMemory):
        return events | {"RESTARTED"}
    if isinstance(supervisor, Doubling):
        return events | {"RECOMPUTED", "SWAPPED_OUT", "SWAPPED_IN"}
    return events | {"RECOMPUTED"}


def must_not_happen(name: str) -> set[str]:
    """Events that this system can never show, whatever the world."""
    if can_happen(name) & {"RECOMPUTED", "SWAPPED_OUT", "RESTARTED"}:
        return set()
    return {"RECOMPUTED", "RESTARTED", "SWAPPED_OUT", "SWAPPED_IN", "GROWN"}
