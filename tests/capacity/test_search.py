"""Bisection finds where a verdict turns, with as many probes as theory says, and assumes nothing."""

from collections.abc import Callable
from math import ceil, log, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.capacity.search import Bracket, Span, search
from s3sim.capacity.verdicts import Verdict

MET, NOT_MET, UNDECIDED = Verdict.MET, Verdict.NOT_MET, Verdict.UNDECIDED
Roots = st.floats(min_value=1.01, max_value=99.0)


def span(**changes: float | bool | str) -> Span:
    """From 1 to 100, to 2%."""
    given = {"low": 1.0, "high": 100.0, "ceiling": 1e6, "tolerance": 0.02, "whole": False, "wants": "highest"}
    return Span(**(given | changes))  # type: ignore[arg-type]


class Asked:
    """A judge that counts."""

    def __init__(self, rule: Callable[[float], Verdict]) -> None:
        self.rule, self.levels = rule, list[float]()

    def __call__(self, level: float) -> Verdict:
        """The rule's verdict."""
        self.levels.append(level)
        return self.rule(level)


def below(root: float) -> Asked:
    """A system that keeps its SLO up to the root."""
    return Asked(lambda level: MET if level <= root else NOT_MET)


@given(Roots)
def test_bisection_finds_the_root_with_the_expected_number_of_probes(root: float) -> None:
    """Both ends, then ⌈log2(log(high/low) / log(1 + tolerance))⌉ halvings of the logarithm, or one less."""
    judge = below(root)
    found = search(judge, span())
    assert found.met is not None
    assert found.not_met is not None
    assert found.met <= root < found.not_met
    assert found.not_met / found.met <= 1.02
    expected = 2 + ceil(log2(log(100) / log(1.02)))
    assert expected - 1 <= len(judge.levels) <= expected
    assert (found.undecided, found.monotone) == ((), True)


@given(Roots, Roots)
def test_a_system_that_bears_more_is_found_to_bear_no_less(one: float, other: float) -> None:
    """Raising an SLO raises a root, and never lowers what is found: levels of both searches are the same grid."""
    low, high = sorted((one, other))
    assert (search(below(low), span()).met or 0) <= (search(below(high), span()).met or 0)


@given(st.integers(min_value=1, max_value=99), st.integers(min_value=2, max_value=100))
def test_whole_levels_are_found_exactly(root: int, high: int) -> None:
    """The largest batch and the next one, also where the high end has to be doubled first."""
    found = search(below(root), span(whole=True, tolerance=0.0, high=float(high)))
    assert (found.met, found.not_met) == (root, root + 1)


@given(st.integers(min_value=1, max_value=500))
def test_the_fewest_are_found_exactly(root: int) -> None:
    """The fewest replicas that meet the SLO and the most that do not; of one that is enough, no fewer are tried."""
    judge = Asked(lambda level: MET if level >= root else NOT_MET)
    found = search(judge, span(whole=True, tolerance=0.0, high=2.0, wants="lowest"))
    assert (found.met, found.not_met) == (root, root - 1 if root > 1 else None)
    assert min(judge.levels) == 1


def test_the_high_end_is_doubled_while_it_meets() -> None:
    """100, 200, 400, 800: the low end is never needed."""
    judge = below(500)
    found = search(judge, span())
    assert judge.levels[:4] == [100, 200, 400, 800]
    assert found.met is not None
    assert found.not_met is not None
    assert found.met <= 500 < found.not_met <= 1.02 * found.met


@pytest.mark.parametrize("wants", ["highest", "lowest"])
def test_nothing_meets(wants: str) -> None:
    """None was met, also after every level between the ends, halved or doubled; no root is made up."""
    judge = Asked(lambda _: NOT_MET)
    found = search(judge, span(wants=wants, ceiling=1000.0))
    assert (found.met, found.not_met) == (None, None)
    assert len(judge.levels) == (8 if wants == "highest" else 6)


def test_ends_that_are_one_level_are_judged_once() -> None:
    """A search of a single level that does not meet is over after one probe."""
    judge = Asked(lambda _: NOT_MET)
    search(judge, span(low=7.0, high=7.0))
    assert judge.levels == [7.0]


def test_everything_meets() -> None:
    """The doubling ends at the ceiling, and no level is said not to meet."""
    judge = Asked(lambda _: MET)
    found = search(judge, span(ceiling=1000.0))
    assert (found.met, found.not_met) == (1000.0, None)
    assert judge.levels == [100, 200, 400, 800, 1000]


def test_a_middle_that_meets_between_ends_that_do_not_is_found() -> None:
    """A small batch is saturated, a large one too slow: the largest that meets is found, and flagged."""
    judge = Asked(lambda level: MET if 6 <= level <= 40 else NOT_MET)
    found = search(judge, span(whole=True, tolerance=0.0))
    assert found == Bracket(met=40, not_met=41, undecided=(), monotone=False)


@given(Roots, st.floats(min_value=1.1, max_value=2.0))
def test_both_edges_of_a_doubtful_band_are_found(root: float, width: float) -> None:
    """The highest met and the lowest not met are each within tolerance of the band, and doubt lies between them."""
    judge = Asked(lambda level: MET if level <= root else NOT_MET if level > width * root else UNDECIDED)
    found = search(judge, span(high=99.0 * 2.1))
    assert found.met is not None
    assert found.not_met is not None
    assert root / 1.02 <= found.met <= root
    assert width * root < found.not_met <= width * root * 1.02
    assert all(found.met < level < found.not_met for level in found.undecided)


@given(st.lists(st.sampled_from(list(Verdict)), min_size=12, max_size=12))
def test_whatever_the_judge_says_no_level_is_judged_twice(verdicts: list[Verdict]) -> None:
    """Erratic verdicts end the search too; what is reported was judged so, and nothing is judged again."""
    judge = Asked(lambda level: verdicts[int(level) % 12])
    found = search(judge, span(whole=True, tolerance=0.0, ceiling=400.0))
    assert len(set(judge.levels)) == len(judge.levels) < 60
    assert found.met is None or judge.rule(found.met) is MET
    assert found.not_met is None or judge.rule(found.not_met) is NOT_MET
    assert found.met is None or found.not_met is None or found.met < found.not_met
