"""KV slots held and used over a run, and how many sequences ran: exact integrals over the log's stretches."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from operator import mul

import numpy as np
import pandas as pd

from s3sim.report.frames import Column, column
from s3sim.report.levels import FOREVER, Level, account, durations, last_finish
from s3sim.report.series import occupancy_series

__all__ = ["Occupancy", "busy_time", "last_finish", "occupancy", "occupancy_series"]

CHUNK = 1 << 16  # intervals turned into Python integers at a time; all at once would take half a kilobyte each


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """Integrals over [0, end], or the difference of two, exact: Python integers, for they overflow 64 bits.

    A slot is *held* from its reservation on, and *used* once it is written.
    """

    end: int  # ps; of a difference, its length
    held: int  # slots · ps
    used: int  # slots · ps
    sequences: int  # in the batches of all lanes, by prefill or decode; · ps
    busy: int  # ps during which a step ran

    def __sub__(self, earlier: "Occupancy") -> "Occupancy":
        """The integrals from an earlier end to this one."""
        return Occupancy(
            **{entry.name: getattr(self, entry.name) - getattr(earlier, entry.name) for entry in fields(self)}
        )

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
    """The integrals from 0 to `end_ps`; raises InvariantError if a stretch of several steps runs on past it.

    Lanes run at once: each plan's slots stand until the next plan on any lane, the batch is all lanes'
    together, and busy is the time in which any of them ran.
    """
    held, used = _integrals(account(events, steps, end_ps=end_ps))
    sequences, busy = _in_flight(steps, end_ps=end_ps), busy_time(steps, end_ps=end_ps)
    return Occupancy(end=end_ps, held=held, used=used, sequences=sequences, busy=busy)


def busy_time(steps: pd.DataFrame, *, end_ps: int = FOREVER) -> int:
    """Picoseconds up to `end_ps` in which any lane ran a step."""
    start, until = _intervals(steps, end_ps)
    order = np.argsort(start)
    start, until = start[order], np.maximum.accumulate(until[order])
    covered = np.append(start[:1], until[:-1])[: len(until)]
    return int(np.maximum(until - np.maximum(start, covered), 0).sum())


def _integrals(level: Level) -> tuple[int, int]:
    """∫ held and ∫ used over all intervals, by closed sums over the steps j of each."""
    held = used = 0
    for _, first, increment, steps, decodes, held_first, used_first, grown, moment in _integers(level):
        pairs = steps * (steps - 1) // 2  # Σ j
        squares = pairs * (2 * steps - 1) // 3  # Σ j²
        elapsed = steps * first + increment * pairs
        held += held_first * elapsed + first * grown + increment * moment
        used += used_first * elapsed + decodes * (first * pairs + increment * squares)
    return held, used


def _integers(level: Level) -> Iterator[tuple[int, ...]]:
    for begin in range(0, len(level), CHUNK):
        chunk = level[begin : begin + CHUNK]
        yield from zip(*(getattr(chunk, field.name).tolist() for field in fields(chunk)), strict=True)


def _in_flight(steps: pd.DataFrame, *, end_ps: int) -> int:
    """∫ sequences in the batches of all lanes."""
    start, until = _intervals(steps, end_ps)
    batch = column(steps, "prefill_sequences") + column(steps, "decode_sequences")
    total = 0
    for begin in range(0, len(batch), CHUNK):
        part = slice(begin, begin + CHUNK)
        total += sum(map(mul, batch[part].tolist(), (until - start)[part].tolist()))
    return total


def _intervals(steps: pd.DataFrame, end_ps: int) -> tuple[Column, Column]:
    """Start and end of each stretch, as far as they lie before `end_ps`."""
    start = column(steps, "start_ps")
    return np.minimum(start, end_ps), np.minimum(start + durations(steps), end_ps)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
