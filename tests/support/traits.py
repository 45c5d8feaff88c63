"""What a system can do, told from its parts and never from its name."""

from dataclasses import fields
from typing import get_args, get_type_hints

from s3sim.core.kv_cache import ContiguousKV, PagedKV
from s3sim.core.piecewise import PiecewiseKV
from s3sim.core.replica import Scheduler
from s3sim.policies.ranked import TopRanked
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


RETURNS = {"RECOMPUTED", "SWAPPED_OUT", "RESTARTED"}  # ways to leave the device before the end


def _offers(name: str, value: str) -> bool:
    """Whether one of the system's choices may have that value."""
    return any(value in get_args(hint) for hint in get_type_hints(SYSTEMS[name].choices).values())


def scheduler(name: str) -> Scheduler:
    """The system's scheduler by default, for a small device."""
    return SYSTEMS[name].choices().scheduler(name=name, capacity=64, max_length=64)


ITERATION = tuple(name for name in NAMES if scheduler(name).static is None)  # rows leave when they are finished
CONTIGUOUS = tuple(name for name in ITERATION if isinstance(SYSTEMS[name].choices().kv(64), ContiguousKV))
SWAPPING = tuple(name for name in NAMES if _offers(name, "swap"))  # by choice
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


def can_happen(name: str, *, several_lanes: bool = False) -> set[str]:
    """Rare events that random worlds of this system, short of memory, must show; more of them with several lanes."""
    events = _can_happen(name)
    if several_lanes:
        events.add("OVERLAPPED")
    if several_lanes and events & RETURNS and name in ITERATION:  # a lost static batch is formed again where it was
        events.add("CHANGED_LANE")
    return events


def _can_happen(name: str) -> set[str]:
    supervisor = scheduler(name).supervisor
    events = {"REJECTED", "WAITED"}
    if name in CONTIGUOUS:
        events.add("COMPACTED")
    if isinstance(supervisor, NoOverrun) or SYSTEMS[name].needs.startswith("oracle"):
        return events
    if isinstance(supervisor, OutOfMemory):
        return events | {"RESTARTED"}
    events.add("RECOMPUTED")
    selection = scheduler(name).selection
    swaps = name in SWAPPING or (isinstance(selection, TopRanked) and selection.swap)
    if isinstance(supervisor, Doubling) and not _offers(name, "in_place"):
        grows = False
    else:
        grows = selection is None or not swaps  # where whoever is swapped makes room, nobody asks
    events |= {"GROWN"} if grows else set()
    if swaps:
        events |= {"SWAPPED_OUT", "SWAPPED_IN", "HOST_FULL"}
    if swaps and (selection is not None or name in PAGED):
        events |= {"STALLED", "RESUMED"}
    return events


def must_not_happen(name: str) -> set[str]:
    """Events that this system can never show, whatever the world."""
    if can_happen(name) & RETURNS:
        return set()
    return {"RECOMPUTED", "RESTARTED", "SWAPPED_OUT", "SWAPPED_IN", "GROWN", "STALLED", "CHANGED_LANE"}
