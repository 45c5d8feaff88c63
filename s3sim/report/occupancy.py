"""KV slots held and used over a run, and how many sequences ran: exact integrals over the log's stretches."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import pandas as pd

from s3sim.report.levels import Level, busy_level, idle_level, last_finish
from s3sim.report.series import occupancy_series

__all__ = ["Occupancy", "last_finish", "occupancy", "occupancy_series"]

CHUNK = 1 << 16  # intervals turned into Python integers at a time; all at once would take half a kilobyte each


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """Integrals over [0, end], exact: Python integers, for they overflow 64 bits.

    A slot is *held* from its reservation on, and *used* once it is written.
    """

    end: int  # ps
    held: int  # slots · ps
    used: int  # slots · ps
    sequences: int  # in the batch, by prefill or decode; · ps
    busy: int  # ps during which steps ran

    def reserved_fraction(self, capacity: int) -> float | None:
        """Mean share of `capacity` slots that was held; None for an empty window."""
        return _ratio(self.held, capacity * self.end)

    def used_fraction(self, capacity: int) -> float | None:
        """Mean share of `capacity` slots that was used; None for an empty window."""
        return _ratio(self.used, capacity * self.end)

    @property
    def waste_fraction(self) -> float | None:
        """1 - used / held; None where nothing was held."""
        return _ratio(self.held - self.used, self.held)

    @property
    def mean_batch_size(self) -> float | None:
        """Mean number of sequences in the batch while steps ran, weighted by time; None where none did."""
        return _ratio(self.sequences, self.busy)


def occupancy(events: pd.DataFrame, steps: pd.DataFrame, *, end_ps: int) -> Occupancy:
    """The integrals from 0 to `end_ps`; raises InvariantError if a step is running then, or where stretches overlap.

    Between steps the last IDLE event stands; where there is none, nothing is counted.
    """
    busy, idle = busy_level(steps, end_ps=end_ps), idle_level(events, steps, end_ps=end_ps)
    held, used, sequences = _integrals(busy)
    idle_held, idle_used, _ = _integrals(idle)
    time = int(busy.elapsed.sum())
    return Occupancy(end=end_ps, held=held + idle_held, used=used + idle_used, sequences=sequences, busy=time)


def _integrals(level: Level) -> tuple[int, int, int]:
    """∫ held, ∫ used and ∫ sequences over all intervals, by closed sums over the steps j of each."""
    held = used = sequences = 0
    for _, first, increment, steps, batch, decodes, held_first, used_first, grown, moment in _integers(level):
        pairs = steps * (steps - 1) // 2  # Σ j
        squares = pairs * (2 * steps - 1) // 3  # Σ j²
        elapsed = steps * first + increment * pairs
        held += held_first * elapsed + first * grown + increment * moment
        used += used_first * elapsed + decodes * (first * pairs + increment * squares)
        sequences += batch * elapsed
    return held, used, sequences


def _integers(level: Level) -> Iterator[tuple[int, ...]]:
    for begin in range(0, len(level), CHUNK):
        chunk = level[begin : begin + CHUNK]
        yield from zip(*(getattr(chunk, field.name).tolist() for field in fields(chunk)), strict=True)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
