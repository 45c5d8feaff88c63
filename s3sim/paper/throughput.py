"""Part 4: sequences per second, offline and online; speed-ups over ORCA and gaps to the oracles."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from s3sim.paper.claims import NO_BOUND, RECALLED, number, stands
from s3sim.paper.numbers import lines, mark, markdown, mean, ordered, percent, ratio, text, times, where
from s3sim.paper.runs import Runs
from s3sim.paper.section import Picture, Section
from s3sim.paper.structure import HEADLINE, NEOX, PLACEMENTS, reach, said
from s3sim.report.figures import panels
from s3sim.report.paired import Compared

__all__ = ["Setting", "settings", "throughput"]

ANSWERS = {"alpaca": "Alpaca answers", "alpaca-vicuna": "served outputs"}
LONGEST = 2048
LOWER_END = 1.13  # the paper's smallest speed-up, recalled
ANSWERED = "workload.name"
PIPELINED = " on "  # between a model's name and its GPUs
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
    """Every setting of a study, models and lengths in their order; a pipelined model's name tells its GPUs."""
    rows = rows.assign(model=_model_names(rows), **{} if ANSWERED in rows else {ANSWERED: "alpaca"})
    for load in ordered(rows, ANSWERED, list(ANSWERS)):
        for model in ordered(rows, "model"):
            for length in sorted(rows["max_length"].unique()):
                own = where(rows, model=model, max_length=length, workload__name=load)
                if len(own):
                    yield Setting(model, int(length), load, own)


def _model_names(rows: pd.DataFrame) -> pd.Series:
    if "parallel.pipeline" not in rows:
        return rows["model"]
    names = [
        f"{m}{PIPELINED}{n:.0f} GPUs" for m, n in zip(rows["model"], rows["parallel.pipeline"].fillna(1), strict=True)
    ]
    return pd.Series(names, rows.index).str.removesuffix(f"{PIPELINED}1 GPUs")


def throughput(runs: Runs) -> Section:
    """Offline and online throughput of all systems."""
    section = Section("4. Offline and online throughput")
    offline = list(settings(runs.summary("throughput")))
    large = list(settings(runs.summary("gpt3").assign(model="gpt3-175b", max_length=LONGEST)))
    sets = list(settings(runs.summary("calibration")))
    section.say(_picture(offline), _table([*offline, *large], "Offline, the burst's saturated part"))
    _headlines(section, runs, [*offline, *large], sets)
    _over_static(section, runs)
    _gaps(section, offline)
    _gain_by_length(section, offline)
    section.say(_held(section, runs.summary("held")))
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
    return Picture("throughput", figure, "Offline throughput against maximum length, the burst's saturated part.")


def _table(found: list[Setting], title: str) -> str:
    table = []
    for setting in found:
        base = mean(where(setting.rows, system="orca"), "request_throughput")
        gains = [_gain(setting.rows, system) for system in COMPARED]
        table.append((setting.model, setting.length, ANSWERS[setting.load], text(base), *gains))
    heading = ("model", "maximum length", "answers", "ORCA, requests/s", "S³ ÷ ORCA", "bucket oracle ÷ ORCA")
    return f"**{title}**\n\n" + markdown((*heading, "exact oracle ÷ ORCA", "vLLM ÷ ORCA"), table)


def _gain(rows: pd.DataFrame, system: str) -> str:
    return times(ratio(rows, system, "orca")) + mark(rows[rows["system"].isin((system, "orca"))])


def _headlines(section: Section, runs: Runs, found: list[Setting], sets: list[Setting]) -> None:
    """The largest speed-up on one GPU, over all models, and the smallest."""
    own = [setting for setting in found if setting.load == "alpaca"]  # the paper's workload
    gains = {setting.name: ratio(setting.rows, "s3", "orca") for setting in own}
    ranked = sorted(own, key=lambda setting: gains[setting.name].mean)
    one = [setting for setting in ranked if PIPELINED not in setting.model]
    _headline(section, runs, one, sets)
    _claim(section, "largest, GPT-3 included", ranked[-1], sets, f"{_implied(runs)} ", HEADLINE, "Q")
    placed = f"{_smallest_by_placement(runs)} "
    _claim(section, "smallest", one[0], sets, placed, LOWER_END, RECALLED)
    longest = next(setting for setting in one if setting.length == LONGEST)
    _claim(section, f"smallest at {LONGEST}", longest, sets, "", LOWER_END, RECALLED)


def _headline(section: Section, runs: Runs, ranked: list[Setting], sets: list[Setting]) -> None:
    """The headline, GPT-NeoX at 2048: its range is over structure, beside that over sets of constants."""
    setting = next(one for one in ranked if (one.model, one.length) == (NEOX, LONGEST))
    first = "The largest on one GPU. " if setting is ranked[-1] else ""
    gain, span, reached = ratio(setting.rows, "s3", "orca"), _span(setting, sets), reach(runs)
    low, high = min(gain.low, reached.low), max(gain.high, reached.high)
    over = f"At {setting.name}; 95% over seeds {number(gain.low)} to {number(gain.high)}; {_told(gain, span)}."
    note = f"{first}Range: over structure (part 8). {said(reached)} {over}"
    section.claim(
        _named(f"{NEOX} at {LONGEST}"), paper=f"{HEADLINE}×", grade="Q", ours=gain, note=note, low=low, high=high
    )


def _claim(
    section: Section, which: str, setting: Setting, sets: list[Setting], more: str, paper: float, grade: str
) -> None:
    """A speed-up with its range over sets of constants."""
    gain, span = ratio(setting.rows, "s3", "orca"), _span(setting, sets)
    low, high = (gain.low, gain.high) if span is None else (gain.mean * span.low, gain.mean * span.high)
    over = f"At {setting.name}; 95% over seeds {number(gain.low)} to {number(gain.high)}. "
    note = f"{stands(paper, low, high, grade=grade)}{more}{over}Range: {_told(gain, span)}."
    section.claim(_named(which), paper=f"{paper}×", grade=grade, ours=gain, note=note, low=low, high=high)


def _named(which: str) -> str:
    return f"Speed-up over maximum-length reservation, offline: {which}"


def _told(gain: Compared, span: "Span | None") -> str:
    if span is None:
        return "over seeds"
    ends = f"{number(gain.mean * span.low)} to {number(gain.mean * span.high)}"
    return f"over {span.sets} bootstrapped calibration sets {ends}"


def _implied(runs: Runs) -> str:
    """What 'almost identical on 6 and on 10 GPUs' says of S³ ÷ the vanilla system on 6, by our scaling of that."""
    rows = runs.summary("gpt3")
    counts = sorted(rows["parallel.pipeline"].unique())
    few, many = (where(rows, parallel__pipeline=count) for count in (counts[0], counts[-1]))
    scaled = ratio(many, "orca", "orca", over=few)
    return (
        f"The paper's own 'almost identical' on {counts[0]} and {counts[-1]} GPUs is {times(scaled)} here: ORCA's"
        f" throughput on {counts[-1]} ÷ on {counts[0]}."
    )


def _smallest_by_placement(runs: Runs) -> str:
    rows = runs.summary("placements")
    rows = where(rows, model="gpt-j-6b", max_length=rows["max_length"].min())
    found = ", ".join(f"{what} {ratio(rows, label, 'orca').mean:.3f}" for label, what in PLACEMENTS.items())
    return f"By placement, GPT-J at {rows['max_length'].iloc[0]}: {found}."


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


def _over_static(section: Section, runs: Runs) -> None:
    """Against static batches: a baseline that does not schedule by iterations."""
    gain = ratio(runs.summary("baselines"), "s3", "fastertransformer")
    section.claim(
        f"The same over static batches (FasterTransformer without ORCA) at {LONGEST}: gpt-neox-20b",
        paper=None,
        grade="?",
        ours=gain,
        note="Part 8 has ORCA of fewer sequences beside it.",
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
            note=f"Over {len(ours)} settings; the range is theirs. Negative: S³ is faster. {NO_BOUND}",
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
                note=f"Mean batch of S³ ÷ ORCA; range over {len(own)} settings.",
            )


def _held(section: Section, rows: pd.DataFrame) -> str:
    """Poisson arrivals at stated rates, steps held to reading speed and not."""
    table, gains = [], []
    for model in ordered(rows, "model"):
        for rate in sorted(where(rows, model=model)["arrivals.rate"].unique()):
            own = where(rows, model=model, arrivals__rate=rate)
            served = [text(mean(where(own, system=name), "request_throughput")) for name in ("orca", "s3", "vllm")]
            gain, free = ratio(own, "s3", "orca"), ratio(own, "s3_free", "orca_free")
            kept = [percent(mean(where(own, system=name), "slo_attainment")) for name in ("orca", "s3")]
            table.append((model, f"{rate:g}", *served, times(gain), times(free), *kept))
            gains.append((gain, f"{model} at {rate:g} requests/s", free))
    gain, name, free = max(gains, key=lambda one: one[0].mean)
    told = stands(HEADLINE, gain.low, gain.high, grade="Q")
    section.claim(
        "Online, Poisson arrivals at a stated rate, steps held to reading speed: S³ ÷ ORCA served, largest",
        paper="6.49×",
        grade="Q",
        ours=gain,
        note=f"{told}At {name}; without the limit {times(free)}. An overloaded ORCA serves what it can;"
        " its queue grows for as long as requests arrive.",
    )
    heading = ("model", "rate", "ORCA serves, requests/s", "S³", "vLLM", "S³ ÷ ORCA", "the same, steps not held")
    about = (
        "**Online, Poisson arrivals at stated rates, steps held to 187.5 ms**; shares are of requests within the SLO"
    )
    return f"{about}\n\n{markdown((*heading, 'ORCA, SLO met %', 'S³, SLO met %'), table)}"


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
                mine = where(own, system=system)
                found = number(mean(mine, "request_throughput").mean) + mark(mine)
                cells.append(f"{found} ({number(ratio(own, system, 'orca').mean)}×)")
        table.append((system, *cells))
    loads = ordered(rows, "workload.name", list(ANSWERS))
    heading = ("system", *(f"{m}, {ANSWERS[load]}" for load in loads for m in ordered(rows, "model")))
    note = "**All systems at 2048**, requests/s and ratio to ORCA; 8,000 requests (GPT-J 13,000), the saturated part. "
    return note + NO_BOUND + "\n\n" + markdown(heading, table)
