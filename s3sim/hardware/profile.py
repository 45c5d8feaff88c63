"""Durations from measurement: a table of steps, interpolated linearly (format: profile_table).

Linear and never logarithmic: attention time is linear in the tokens it reads, and peers that
interpolate in log space report errors of 11.6-14.4% against 2.3-3.7%.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from pathlib import Path

from s3sim.core.batch import Affine, Batch
from s3sim.core.errors import InputError
from s3sim.hardware.interpolation import Line, Surface
from s3sim.hardware.profile_table import KINDS, ProfileRow, read_profile
from s3sim.hardware.units import UNLIMITED_STEPS, picoseconds

__all__ = ["Profile"]


class Profile:
    """A LatencyModel that interpolates measured steps.

    decode:  linear in context tokens, then in rows; a stretch ends at the table's next knot.
    prefill: linear in new tokens, then in sequences; cached context of a chunk is not priced.
    mixed:   where it was measured: linear in prompt tokens, then in rows, + what further sequences of the prefill
             and decode's context add; else prefill of all new tokens (rows and chunks together go through
             the dense layers once) + what decode's context adds over an empty one; never less than decode alone.
    copies:  linear in tokens, added.
    Outside the table: constant below the first knot, the last cell's slope beyond the last one.
    Raises InputError for a table that lacks what profile_table requires.
    """

    __slots__ = ("_copy", "_decode", "_mixture", "_prefill", "_source")

    def __init__(self, rows: Iterable[ProfileRow], *, source: str = "profile") -> None:
        lines = _lines(rows, source)
        self._source = source
        self._decode = _surface(lines["decode"], "decode", least=2, source=source)
        self._prefill = _surface(lines["prefill"], "prefill", least=1, source=source)
        self._mixture = _surface(lines["mixed"], "mixed", least=2, source=source) if lines["mixed"] else None
        self._copy = lines["copy"].get(0)

    @classmethod
    def load(cls, path: Path) -> "Profile":
        """Read a profile from a CSV file. Raises InputError with file:line, and SystemFaultError."""
        return cls(read_profile(path), source=str(path))

    def __repr__(self) -> str:
        return f"<Profile {self._source}>"

    def affine(self, batch: Batch) -> Affine:
        """Duration of the batch's first step, increment per further step, and for how many steps it holds."""
        if batch.prefill_tokens or batch.relocated_tokens:
            return Affine(self._mixed(batch), 0, 1)
        rows, context = batch.rows, batch.decode_context + batch.padding_slots
        line = self._decode.line(rows)
        knots = line.knots
        end = bisect_right(knots, context)
        slope = line.slopes[end - 1]
        first = line.values[end - 1] + slope * (context - knots[end - 1])
        growth = batch.decode_sequences + batch.padding_slots_per_step
        steps = -(-(knots[end] - context) // growth) if end < len(knots) and growth else UNLIMITED_STEPS
        if batch.copied_slots:
            return Affine(first + self._copy_time(batch.copied_slots), 0, 1)
        return Affine(first, slope * growth, steps)

    def _mixed(self, batch: Batch) -> int:
        rows = batch.rows
        decode = self._decode.line(rows)
        duration = decode.at(batch.decode_context + batch.padding_slots) if rows else 0
        if batch.prefill_tokens:
            context = duration - decode.at(0) if rows else 0
            duration = max(duration, self._prefilling(batch) + context)
        return duration + self._copy_time(batch.relocated_tokens + batch.copied_slots)

    def _prefilling(self, batch: Batch) -> int:
        """A step that prefills, at no context."""
        prefill, chunks = self._prefill.line(max(1, len(batch.chunks))), len(batch.chunks)
        if not batch.rows or self._mixture is None:
            return prefill.at(batch.new_tokens)
        tokens = batch.prefill_tokens + batch.padding_tokens
        further = prefill.at(tokens) - self._prefill.line(1).at(tokens) if chunks > 1 else 0
        return self._mixture.line(batch.rows).at(tokens) + further

    def _copy_time(self, tokens: int) -> int:
        if not tokens:
            return 0
        if self._copy is None:
            raise InputError(
                f"{self._source}: a compaction moved {tokens} slots, but the profile has no copy rows; "
                "measure them (copy,0,tokens,seconds) or run a system that does not compact"
            )
        return self._copy.at(tokens)


def _lines(rows: Iterable[ProfileRow], source: str) -> dict[str, dict[int, Line]]:
    """Lines by kind and batch size."""
    points: dict[str, dict[int, dict[int, ProfileRow]]] = {kind: {} for kind in KINDS}
    for row in rows:
        knots = points[row.kind].setdefault(row.batch, {})
        if row.tokens in knots:
            raise InputError(
                f"{row.place}: {row.kind} of batch {row.batch} and {row.tokens} tokens was given before "
                f"({knots[row.tokens].place}); average repeats into one row"
            )
        knots[row.tokens] = row
    return {kind: {size: _line(knots, source) for size, knots in by_size.items()} for kind, by_size in points.items()}


def _line(knots: Mapping[int, ProfileRow], source: str) -> Line:
    if len(knots) < 2:
        (row,) = knots.values()
        raise InputError(
            f"{row.place}: {row.kind} of batch {row.batch} has one knot ({row.tokens} tokens) in {source}; "
            "a line needs at least two different tokens"
        )
    return Line((tokens, picoseconds(row.seconds)) for tokens, row in knots.items())


def _surface(lines: Mapping[int, Line], kind: str, *, least: int, source: str) -> Surface:
    if len(lines) < least:
        raise InputError(f"{source}: {len(lines)} batch sizes of kind {kind!r} are too few; measure at least {least}")
    return Surface(lines)
