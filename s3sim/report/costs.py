"""Metrics of the device: its batch and memory, what preemptions cost, and how well it was used."""

import pandas as pd

from s3sim.core.events import Event, Preemption, Reason
from s3sim.report.extents import external_fragmentation
from s3sim.report.facts import RunFacts
from s3sim.report.frames import PS_PER_S, column
from s3sim.report.occupancy import busy_time, occupancy
from s3sim.report.window import Window
from s3sim.report.work import Work, work

__all__ = ["Metric", "costs", "memory", "rate", "utilisation"]

Metric = int | float | None


def memory(events: pd.DataFrame, steps: pd.DataFrame, facts: RunFacts, window: Window) -> dict[str, Metric]:
    """The batch and its KV in a window."""
    found = occupancy(events, steps, end_ps=window.end)
    if window.begin:
        found -= occupancy(events, steps, end_ps=window.begin)
    return {
        "mean_batch_size": found.mean_batch_size,
        "kv_reserved_fraction": found.reserved_fraction(facts.kv_capacity_tokens),
        "kv_used_fraction": found.used_fraction(facts.kv_capacity_tokens),
        "kv_waste_fraction": found.waste_fraction,
        "external_fragmentation": _fragmentation(events, steps, facts, window) if facts.contiguous else None,
    }


def _fragmentation(events: pd.DataFrame, steps: pd.DataFrame, facts: RunFacts, window: Window) -> float | None:
    capacity, ends = facts.kv_capacity_tokens, {"begin_ps": window.begin, "end_ps": window.end}
    return external_fragmentation(events, steps, capacity_tokens=capacity, **ends) if window.elapsed else None


def costs(events: pd.DataFrame, facts: RunFacts, window: Window) -> dict[str, Metric]:
    """What went wrong in a window, how often, and what it took to repair."""
    kind, tokens, detail, time = (column(events, name) for name in ("event", "tokens", "detail", "time_ps"))
    planned, happened = window.planned(time), window.happened(time)
    preempted, compacted = (kind == Event.PREEMPTED) & planned, (kind == Event.COMPACTED) & planned
    swapped = ((kind == Event.SWAPPED_OUT) | (kind == Event.SWAPPED_IN)) & happened
    return {
        "preemptions": int(preempted.sum()),
        "swapped_bytes": int(tokens[swapped].sum()) * facts.kv_bytes_per_token,
        "recomputed_tokens": int(tokens[preempted & (detail != Preemption.SWAP)].sum()),
        "host_full_recomputes": int((preempted & (detail == Preemption.HOST_FULL)).sum()),
        "restarts": int((preempted & (detail == Preemption.RESTART)).sum()),
        "out_of_memory": int(((kind == Event.REJECTED) & (detail == Reason.OUT_OF_MEMORY) & planned).sum()),
        "compactions": int(compacted.sum()),
        "relocated_bytes": int(tokens[compacted].sum()) * facts.kv_bytes_per_token,
    }


def utilisation(events: pd.DataFrame, steps: pd.DataFrame, facts: RunFacts, window: Window) -> dict[str, Metric]:
    """What the steps of a window computed and moved, over what the device could have while they ran."""
    (done, busy), peak = _done(events, steps, facts, window), facts.peak_bandwidth
    moved = done.bytes_moved(facts)
    return {
        "padding_fraction": done.padding_fraction,
        "compute_utilisation": rate(done.operations(facts) / facts.peak_flops, busy),
        "bandwidth_utilisation": None if moved is None or peak is None else rate(moved / peak, busy),
    }


def _done(events: pd.DataFrame, steps: pd.DataFrame, facts: RunFacts, window: Window) -> tuple[Work, int]:
    """The work of the window's steps, and the time in which they ran, in ps."""
    if window.whole:
        return work(events, steps, reads_reserved=facts.reads_reserved), busy_time(steps)
    (early, before), (late, until) = (_done_by(events, steps, facts, time) for time in (window.begin, window.end))
    return late - early, until - before


def _done_by(events: pd.DataFrame, steps: pd.DataFrame, facts: RunFacts, time: int) -> tuple[Work, int]:
    """The same of the steps that began before a time; a log up to there is a log."""
    begun = steps[column(steps, "start_ps") < time]
    known = events[column(events, "time_ps") <= time]
    return work(known, begun, reads_reserved=facts.reads_reserved), busy_time(begun)


def rate(amount: float, time: int | None) -> float | None:
    """An amount per second of a time in ps; None where there was no time."""
    return amount / (time / PS_PER_S) if time else None
