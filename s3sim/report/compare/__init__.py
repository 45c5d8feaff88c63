"""Two runs side by side: what differs in what was asked, in where it ran, and in what came out."""

from s3sim.report.compare.changes import METRICS, Change, Verdict, changes_of
from s3sim.report.compare.configuration import Difference, configuration, surroundings
from s3sim.report.compare.pairs import Pair, Setting, pairs_of, settings_of
from s3sim.report.compare.runs import Comparison, compare_runs

__all__ = [
    "METRICS",
    "Change",
    "Comparison",
    "Difference",
    "Pair",
    "Setting",
    "Verdict",
    "changes_of",
    "compare_runs",
    "configuration",
    "pairs_of",
    "settings_of",
    "surroundings",
]
