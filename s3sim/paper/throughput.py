"""Part 4: sequences per second, offline and online; speed-ups over ORCA and gaps to the oracles."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from s3sim.paper.claims import number, stands
from s3sim.paper.numbers import lines, markdown, mean, ordered, ratio, text, times, where
from s3sim.paper.runs import Runs
from s3sim.paper.section import Picture, Section
from s3sim.report.figures import panels

__all__ = ["Setting", "settings", "throughput"]

ANSWERS = {"alpaca": "Alpaca answers", "alpaca-vicuna": "served outputs"}
LONGEST = 2048
HEADLINE, LOWER_END = 6.49, 1.13  # speed-ups of the paper: its own, and recalled
COMPARED = ("s3", "oracle_bucket", "oracle_exact", "vllm")


class Setting(NamedTuple):
    """One model, maximum length and kind of answers, with its rows."""

    model: str
    length: int
    load: str
    rows: pd.DataFrame

    @property
    def name(self) -> str:
        """As tables have it."""
        return f"{self.model}, {self.length}, {ANSWERS[self.load]}"


def settings(rows: pd.DataFrame) -> Iterator[Setting]:
    """Every setting of a study, models and lengths in their order."""
    loads = ordered(rows, "workload.name", list(ANSWERS)) if "workload.name" in rows else ["alpaca"]
    for load in loads:
        for model in ordered(rows, "model"):
            for length in sorted(rows["max_length"].unique()):
                own = where(rows, model=model, max_length=length)
                if "workload.name" in rows:
                    own = where(own, workload__name=load)
                yield Setting(model, int(length), load, own)


def throughput(runs: Runs) -> Section:
    """Offline and online throughput of all systems."""
    section = Section("4. Offline and online throughput")
    offline, held = list(settings(runs.summary("throughput"))), list(settings(runs.summary("held")))
    sets = list(settings(runs.summary("calibration")))
    section.say(_picture(offline), _table(offline, "Offline"), _table(held, "Online, batches held to 187.5 ms a token"))
    _headlines(section, offline, sets, "offline")
    _headlines(section, held, sets, "online, batches held to reading speed")
    _over_static(section, offline)
    _gaps(section, offline)
    _gain_by_length(section, offline)
    section.say(_rates(section, runs.capacities("online")), _everybody(runs.summary("all_systems")))
    return section


def _picture(offline: list[Setting]) -> Picture:
    found = {}
    for load in dict.fromkeys(setting.load for setting in offline):
        for model in dict.fromkeys(setting.model for setting in offline):
            rows = pd.concat(s.rows for s in offline if (s.load, s.model) == (load, model))
            name, length = f"{model}, {ANSWERS[load]}", "max_length"
            found[name] = lines(rows, x=length, y="request_throughput", swept=length)
    title = "Sequences per second by maximum length, offline"
    figure = panels(found, x="Maximum length (tokens)", y="Throughput (requests/s)", log="xy", title=title)
    about = (
        "Offline throughput. ORCA and FasterTransformer pay for the maximum, S³ for a tenth of it, vLLM for neither."
    )
    return Picture("throughput", figure, about)


def _table(found: list[Setting], title: str) -> str:
    table = []
    for setting in found:
        base = mean(where(setting.rows, system="orca"), "request_throughput")
        gains = [
            times(ratio(setting.rows, system, "orca")) for system in ("s3", "oracle_bucket", "oracle_exact", "vllm")
        ]
        table.append((setting.model, setting.length, ANSWERS[setting.load], text(base), *gains))
    heading = ("model", "maximum length", "answers", "ORCA, requests/s", "S³ ÷ ORCA", "bucket oracle ÷ ORCA")
    return f"**{title}**\n\n" + markdown((*heading, "exact oracle ÷ ORCA", "vLLM ÷ ORCA"), table)


def _headlines(section: Section, found: list[Setting], sets: list[Setting], kind: str) -> None:
    own = [setting for setting in found if setting.load == "alpaca"]  # the paper's workload
    gains = {setting.name: ratio(setting.rows, "s3", "orca") for setting in own}
    ranked = sorted(own, key=lambda setting: gains[setting.name].mean)
    longest = next(setting for setting in ranked if setting.length == LONGEST)
    for which, setting, paper, grade in (
        ("largest", ranked[-1], HEADLINE, "Q"),
        ("smallest", ranked[0], LOWER_END, "M"),
        (f"smallest at {LONGEST}", longest, LOWER_END, "M"),
    ):
        gain, span = gains[setting.name], _span(setting, sets)
        over = f"At {setting.name}; 95% over seeds {number(gain.low)} to {number(gain.high)}."
        low, high = (gain.low, gain.high) if span is None else (gain.mean * span.low, gain.mean * span.high)
        by = "seeds" if span is None else f"{span.sets} bootstrapped calibration sets"
        name = f"Speed-up over maximum-length reservation, {kind}: {which}"
        held = stands(paper, min(low, gain.low), max(high, gain.high), what="the paper's")
        note = f"{held} {over} Range: over {by}."
        section.claim(name, paper=f"{paper}×", grade=grade, ours=gain, note=note, low=low, high=high)


class Span(NamedTuple):
    """Least and most speed-up over calibration sets, as shares of that with the shipped constants; how many sets."""

    low: float
    high: float
    sets: int


def _span(setting: Setting, sets: list[Setting]) -> Span | None:
    """The span of a setting, all of the same requests; None where the sets were not run in it."""
    for one in sets:
        if one[:3] == setting[:3]:
            base = ratio(setting.rows[setting.rows["seed"].isin(one.rows["seed"])], "s3", "orca").mean
            found = [ratio(rows, "s3", "orca").mean / base for _, rows in one.rows.groupby("engine")]
            return Span(min(found), max(found), len(found))
    return None


def _over_static(section: Section, found: list[Setting]) -> None:
    """Against static batches: a baseline that does not schedule by iterations."""
    own = [setting for setting in found if setting.load == "alpaca" and setting.length == LONGEST]
    gains = {setting.model: ratio(setting.rows, "s3", "fastertransformer") for setting in own}
    most = max(ratio(setting.rows, "s3", "orca").mean for setting in own)
    least = min(gains.values(), key=lambda gain: gain.mean)
    between = "6.49× lies between the two baselines. " if most < HEADLINE < least.mean else ""
    section.claim(
        f"The same over static batches (FasterTransformer without ORCA) at {LONGEST}: smallest over models",
        paper=None,
        grade="?",
        ours=least,
        note=f"{between}By model: {', '.join(f'{name} {times(gain)}' for name, gain in gains.items())}.",
    )


def _gaps(section: Section, found: list[Setting]) -> None:
    for oracle in ("oracle_bucket", "oracle_exact"):
        gaps = {setting.name: ratio(setting.rows, "s3", oracle) for setting in found}
        ours = pd.Series({name: 100 * (1 - gap.mean) for name, gap in gaps.items()})
        section.claim(
            f"Gap to {oracle} in throughput, offline: mean, in %",
            paper="9.34 (which oracle is not known)",
            grade="M",
            ours=float(ours.mean()),
            low=float(ours.min()),
            high=float(ours.max()),
            note=f"Over {len(ours)} settings; the range is theirs. Negative: S³ is faster.",
        )
        worst = gaps[str(ours.idxmax())]
        section.claim(
            f"Gap to {oracle} in throughput, offline: largest, in %",
            paper="40.52 (which oracle is not known)",
            grade="M",
            ours=float(ours.max()),
            low=100 * (1 - worst.high),
            high=100 * (1 - worst.low),
            note=f"At {ours.idxmax()}.",
        )


def _gain_by_length(section: Section, found: list[Setting]) -> None:
    """The memory-only bound of the facts, and how much of it arrives."""
    for length, paper in ((LONGEST, "8–10×"), (512, "3.4–5.4×"), (128, "1.5–2×")):
        own = {s.name: ratio(s.rows, "s3", "orca", "mean_batch_size").mean for s in found if s.length == length}
        if own:
            section.claim(
                f"Gain in batch size at maximum length {length}, bounded by memory alone",
                paper=paper,
                grade="D",
                ours=sum(own.values()) / len(own),
                low=min(own.values()),
                high=max(own.values()),
                note=f"Mean batch of S³ ÷ ORCA; range over {len(own)} settings. Requests run out before memory does.",
            )


def _rates(section: Section, found: list[dict[str, Any]]) -> str:
    table = [(one["setting"]["model"], one["system"], number(one["value"]), number(one["not_met"])) for one in found]
    value = {(one["setting"]["model"], one["system"]): one["value"] for one in found}
    not_met = {(one["setting"]["model"], one["system"]): one["not_met"] for one in found}
    for model in dict.fromkeys(key[0] for key in value):
        ours, base = value[model, "s3"], value[model, "orca"]
        if ours and base:
            section.claim(
                f"Online, highest Poisson rate under reading speed: {model}, S³ ÷ ORCA",
                paper="up to 6.49×",
                grade="Q",
                ours=ours / base,
                low=ours / (not_met[model, "orca"] or base),
                high=(not_met[model, "s3"] or ours) / base,
                note="Mean E2EL per output token ≤ 187.5 ms, queue included; 5 seeds a level. Range: the brackets'.",
            )
    heading = ("model", "system", "highest rate shown to keep reading speed", "lowest rate shown not to")
    return "**Online, Poisson arrivals** (requests/s, 95% confidence)\n\n" + markdown(heading, table)


def _everybody(rows: pd.DataFrame) -> str:
    table = []
    for system in rows["system"].unique():
        cells: list[str] = []
        for load in ordered(rows, "workload.name", list(ANSWERS)):
            for model in ordered(rows, "model"):
                own = where(rows, model=model, workload__name=load)
                found = mean(where(own, system=system), "request_throughput")
                cells.append(f"{number(found.mean)} ({number(ratio(own, system, 'orca').mean)}×)")
        table.append((system, *cells))
    loads = ordered(rows, "workload.name", list(ANSWERS))
    heading = ("system", *(f"{m}, {ANSWERS[load]}" for load in loads for m in ordered(rows, "model")))
    note = "**All systems at 2048**, requests/s and ratio to ORCA; 800 requests, so that a burst's end weighs more.\n\n"
    return note + markdown(heading, table)
