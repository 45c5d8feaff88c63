"""`s3sim compare`: what differs between two runs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from s3sim.cli.plain import print_json, yaml_word
from s3sim.cli.sheets import Column, Sheet, say, show
from s3sim.report.compare import METRICS, Change, Comparison, Difference, Verdict, compare_runs
from s3sim.report.directions import BETTER

__all__ = ["compare_command"]

WORDS = ("better", "worse", "other", "within noise", "the same", "cannot be told")
EXPLAINED = "better, worse and other: the interval excludes 0"
MOST = 40  # metrics of settings that are shown unless all are
CHANCE = 0.05  # of a 95% interval to exclude a difference that is not there


def compare_command(one: Path, other: Path, *, metrics: Sequence[str], everything: bool, as_json: bool) -> None:
    """Compare and print; raises InputError where there is nothing to compare."""
    found = compare_runs(one, other, metrics=metrics or METRICS)
    if as_json:
        print_json(found.to_json())
        return
    console = Console()
    for sheet in (*_asked(found), *_results(found, everything=everything), _counts(found)):
        show(sheet, console)
    console.print()
    for line in (*_only(found), *_partial(found), *_summary(found)):
        say(console, line)


def _asked(found: Comparison) -> Iterator[Sheet]:
    """What was asked otherwise, and where it ran otherwise."""
    unlike = list(found.configuration)
    for key, ours, theirs in (("name", *found.names), ("seeds", *found.seeds)):
        if ours != theirs:
            unlike.append(Difference(key, ours, theirs, found.settings))
    if unlike:
        yield _unlike("what was asked otherwise", unlike, of=found.settings)
    if found.surroundings:
        yield _unlike("where it ran otherwise", found.surroundings, of=0)


def _unlike(title: str, unlike: Sequence[Difference], *, of: int) -> Sheet:
    heads = [Column("key"), Column("A", prose=True), Column("B", prose=True)]
    if of:
        heads.append(Column("settings", right=True))
    rows = (
        (each.key, _value(each.ours), _value(each.theirs), *([f"{each.settings} of {of}"] if of else []))
        for each in unlike
    )
    return Sheet(title=title, columns=tuple(heads), rows=tuple(rows))


def _value(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(_value, value)) or "none"
    return yaml_word(value)


def _counts(found: Comparison) -> Sheet:
    """In how many settings each metric came out how."""
    metrics = dict.fromkeys(change.metric for change in found.changes)
    told = {metric: [_verdict(change) for change in found.changes if change.metric == metric] for metric in metrics}
    kept = [word for word in WORDS if any(word in words for words in told.values())]
    rows = ((metric, *(str(words.count(word)) for word in kept)) for metric, words in told.items())
    columns = (Column("metric"), *(Column(word, right=True) for word in kept))
    return Sheet(title="in how many settings each came out how, B beside A", columns=columns, rows=tuple(rows))


def _results(found: Comparison, *, everything: bool) -> Iterator[Sheet]:
    """The metrics that differ, or all of them; no more than a few screens unless all are asked for."""
    changes = found.having(*(list(Verdict) if everything else [Verdict.BEYOND, Verdict.UNTOLD]))
    shown = changes if everything else changes[:MOST]
    if not shown:
        return
    numbers = ("A", "B", "B − A", "its 95% interval")
    methods = {change.method for change in shown}
    by = [Column("by")] if len(methods) > 1 else []
    columns = (Column("setting"), Column("metric"), *(Column(head, right=True) for head in numbers))
    left = f"; {len(changes) - len(shown)} more: --all, or --metric NAME" if len(shown) < len(changes) else ""
    yield Sheet(
        title="what came out" if everything else "what came out otherwise",
        columns=(*columns, Column("B is"), *by),
        rows=tuple(_row(change, with_method=bool(by)) for change in shown),
        keys=2,
        caption=f"{EXPLAINED}{'' if by else f'; {methods.pop()}'}{left}",
    )


def _row(change: Change, *, with_method: bool) -> tuple[str, ...]:
    interval = "–" if change.low is None else f"{change.low:+.4g} to {change.high:+.4g}"
    difference = "–" if change.difference is None else f"{change.difference:+.4g}"
    values = ("–" if value is None else f"{value:.5g}" for value in (change.ours, change.theirs))
    method = (change.method,) if with_method else ()
    return (change.setting.words, change.metric, *values, difference, interval, _verdict(change), *method)


def _verdict(change: Change) -> str:
    """Whether B is better, where that is beyond noise and the metric has a better side."""
    if change.verdict is not Verdict.BEYOND or change.difference is None:
        return {Verdict.SAME: "the same", Verdict.WITHIN: "within noise"}.get(change.verdict, "cannot be told")
    better = BETTER.get(change.metric, "neither")
    if better == "neither":
        return "other"
    return "better" if (change.difference > 0) == (better == "higher") else "worse"


def _only(found: Comparison) -> Iterator[str]:
    for letter, path, settings in zip("AB", found.paths, found.only, strict=True):
        if settings:
            yield f"only in {letter} ({path}): {'; '.join(setting.words for setting in settings)}"


def _partial(found: Comparison) -> Iterator[str]:
    for letter, path, missing in zip("AB", found.paths, found.unfinished, strict=True):
        if missing:
            yield f"{letter} is partial: {missing} of its points are not finished; s3sim run ... --out {path} --resume"


def _summary(found: Comparison) -> Iterator[str]:
    counts = {verdict: len(found.having(verdict)) for verdict in Verdict}
    told = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)
    asked = "" if found.configuration else "nothing was asked otherwise; "
    yield f"{asked}{found.settings} settings are in both; of {len(found.changes)} metrics of theirs, {told or 'none'}"
    if tried := counts[Verdict.BEYOND] + counts[Verdict.WITHIN]:
        yield f"of {tried} intervals at 95%, about {CHANCE * tried:.2g} exclude 0 by chance where nothing differs"
