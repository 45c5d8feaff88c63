"""Metrics of the device: its batch and memory, what preemptions cost, and how well it was used."""

import pandas as pd

from s3sim.core.events import Event, Preemption, Reason
from s3sim.report.extents import external_fragmentation
from s3sim.report.facts import RunFacts
from s3sim.report.frames import PS_PER_S, column
from s3sim.report.occupancy import busy_time, occupancy
from s3sim.report.work import work

__all__ = ["Metric", "costs", "memory", "rate", "utilisation"]

Metric = int | float | None


def memory(events: pd.DataFrame, steps: pd.DataFrame, facts: RunFacts, end: int | None) -> dict[str, Metric]:
    """The batch and its KV, from time 0 to the end."""
    found = occupancy(events, steps, end_ps=end or 0)
    return {
        "mean_batch_size": found.mean_batch_size,
        "kv_reserved_fraction": found.reserved_fraction(facts.kv_capacity_tokens),
        "kv_used_fraction": found.used_fraction(facts.kv_capacity_tokens),
        "kv_waste_fraction": found.waste_fraction,
        "external_fragmentation": _fragmentation(events, steps, facts, end) if facts.contiguous and end else None,
    }


def _fragmentation(events: pd.DataFrame, steps: pd.DataFrame, facts: RunFacts, end: int) -> float | None:
    return external_fragmentation(events, steps, capacity_tokens=facts.kv_capacity_tokens, end_ps=end)


def costs(events: pd.DataFrame, facts: RunFacts) -> dict[str, Metric]:
    """What went wrong, how often, and what it took to repair."""
    kind, tokens, detail = (column(events, name) for name in ("event", "tokens", "detail"))
    preempted, compacted = kind == Event.PREEMPTED, kind == Event.COMPACTED
    swapped = (kind == Event.SWAPPED_OUT) | (kind == Event.SWAPPED_IN)
    return {
        "preemptions": int(preempted.sum()),
        "swapped_bytes": int(tokens[swapped].sum()) * facts.kv_bytes_per_token,
        "recomputed_tokens": int(tokens[preempted & (detail != Preemption.SWAP)].sum()),
        "host_full_recomputes": int((preempted & (detail == Preemption.HOST_FULL)).sum()),
        "restarts": int((preempted & (detail == Preemption.RESTART)).sum()),
        "out_of_memory": int(((kind == Event.REJECTED) & (detail == Reason.OUT_OF_MEMORY)).sum()),
        "compactions": int(compacted.sum()),
        "relocated_bytes": int(tokens[compacted].sum()) * facts.kv_bytes_per_token,
    }


def utilisation(events: pd.DataFrame, steps: pd.DataFrame, facts: RunFacts) -> dict[str, Metric]:
    """What all steps of the log computed and moved, over what the device could have while they ran."""
    done, busy, peak = work(events, steps, reads_reserved=facts.reads_reserved), busy_time(steps), facts.peak_bandwidth
    moved = done.bytes_moved(facts)
    return {
        "padding_fraction": done.padding_fraction,
        "compute_utilisation": rate(done.operations(facts) / facts.peak_flops, busy),
        "bandwidth_utilisation": None if moved is None or peak is None else rate(moved / peak, busy),
    }


def rate(amount: float, time: int | None) -> float | None:
    """An amount per second of a time in ps; None where there was no time."""
    return amount / (time / PS_PER_S) if time else None
