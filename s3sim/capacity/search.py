"""Where a verdict turns from met to not met: bracketing and bisection, over levels that only a judge knows."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from s3sim.capacity.verdicts import Verdict

__all__ = ["Bracket", "Span", "search"]

Judge = Callable[[float], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The levels of a search: from low to high, beyond high by doubling up to the ceiling."""

    low: float  # above 0
    high: float
    ceiling: float
    tolerance: float  # relative: two levels whose ratio is at most 1 + tolerance are near enough
    whole: bool  # levels are integers
    wants: Literal["highest", "lowest"]  # of the levels that meet the SLO

    def middle(self, one: float, other: float) -> float | None:
        """The geometric mean of two levels, to six digits; None where they are near enough, or neighbours."""
        low, high = sorted((one, other))
        if high <= low * (1 + self.tolerance) or (self.whole and high - low <= 1):
            return None
        if self.whole:
            return min(max(round(sqrt(low * high)), low + 1), high - 1)
        middle = float(f"{sqrt(low * high):.6g}")
        return middle if low < middle < high else None

    def beyond(self, level: float, levels: set[float]) -> float | None:
        """The nearest of the levels on the far side, where the SLO is harder to keep."""
        if self.wants == "highest":
            return min((other for other in levels if other > level), default=None)
        return max((other for other in levels if other < level), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """What a search found. Between `met` and `not_met` lie undecided levels, and levels nobody probed."""

    met: float | None  # the extreme level that meets the SLO; None: none does
    not_met: float | None  # the nearest level beyond it that does not; None: none was found up to the end
    undecided: tuple[float, ...]  # levels where the seeds cannot tell, rising
    monotone: bool  # False: a level that is easier than `met` was not met


def search(judge: Judge, span: Span) -> Bracket:
    """Find the extreme level that meets an SLO, judging each level once at most.

    Both ends of the span are judged, never assumed: the high end is doubled while it does not show a "not met"
    (for the lowest level wanted, while it does not meet), and where neither end meets, levels in between are
    tried, each half of the last. Undecided counts as not met for `met`, and as met for `not_met`.
    """
    return _Search(judge, span).run()


class _Search:
    """One search: the levels judged so far, and where to look next."""

    def __init__(self, judge: Judge, span: Span) -> None:
        self.judge, self.span = judge, span
        self.seen: dict[float, Verdict] = {}

    def run(self) -> Bracket:
        self._highest_ends() if self.span.wants == "highest" else self._lowest_ends()
        met = self._extreme()
        if met is not None:
            met = self._narrow(met, self._after(met, Verdict.NOT_MET, Verdict.UNDECIDED), keeps={Verdict.MET})
            end = self._after(met, Verdict.NOT_MET)
            self._narrow(self._last_undecided(met, end), end, keeps={Verdict.UNDECIDED, Verdict.MET})
        return self._bracket(self._extreme())

    def verdict(self, level: float) -> Verdict:
        """The judge's, asked once."""
        if level not in self.seen:
            self.seen[level] = self.judge(level)
        return self.seen[level]

    def levels(self, *kinds: Verdict) -> set[float]:
        return {level for level, verdict in self.seen.items() if verdict in kinds}

    def _highest_ends(self) -> None:
        span, high = self.span, self.span.high
        while self.verdict(high) is not Verdict.NOT_MET and high < span.ceiling:
            high = min(2 * high, span.ceiling)
        if self.levels(Verdict.MET) or self.verdict(span.low) is Verdict.MET:
            return
        level = span.high
        while not self.levels(Verdict.MET) and (level := self._half(level)) > span.low:
            self.verdict(level)

    def _half(self, level: float) -> float:
        return level // 2 if self.span.whole else level / 2

    def _lowest_ends(self) -> None:
        high = self.span.high
        if self.verdict(self.span.low) is Verdict.MET:
            return
        while self.verdict(high) is not Verdict.MET and high < self.span.ceiling:
            high = min(2 * high, self.span.ceiling)

    def _extreme(self) -> float | None:
        pick = max if self.span.wants == "highest" else min
        return pick(self.levels(Verdict.MET), default=None)

    def _after(self, level: float, *kinds: Verdict) -> float | None:
        return self.span.beyond(level, self.levels(*kinds))

    def _last_undecided(self, met: float, end: float | None) -> float | None:
        """The undecided level that is nearest to the end, between it and `met`."""
        if end is None:
            return None
        between = {level for level in self.levels(Verdict.UNDECIDED) if min(met, end) < level < max(met, end)}
        return min(between, key=lambda level: abs(level - end), default=None)

    def _narrow(self, inner: float | None, outer: float | None, *, keeps: set[Verdict]) -> float:
        """Bisect until the two are near enough; returns the inner end."""
        while inner is not None and outer is not None and (middle := self.span.middle(inner, outer)) is not None:
            inner, outer = (middle, outer) if self.verdict(middle) in keeps else (inner, middle)
        return inner or 0.0

    def _bracket(self, met: float | None) -> Bracket:
        failed = self.levels(Verdict.NOT_MET)
        ahead = None if met is None else self._after(met, Verdict.NOT_MET)
        easier = {level for level in failed if met is not None and self.span.beyond(level, {met}) == met}
        return Bracket(
            met=met,
            not_met=ahead,
            undecided=tuple(sorted(self.levels(Verdict.UNDECIDED))),
            monotone=not easier,
        )
