"""Part 8, first half: how far the headline ratio moves with structure, each assumption alone and all together."""

from collections.abc import Iterator
from typing import NamedTuple

from s3sim.paper.numbers import markdown, mean, ratio, text, times, where
from s3sim.paper.runs import Runs
from s3sim.paper.section import Picture, Section
from s3sim.report.figures import Bar, tornado
from s3sim.report.paired import Compared

__all__ = [
    "HEADLINE",
    "NEOX",
    "PLACEMENTS",
    "STRUCTURE",
    "Reach",
    "Varied",
    "base_ratio",
    "reach",
    "said",
    "structure",
    "varied",
]

HEADLINE = 6.49  # the paper's largest speed-up over maximum-length reservation
BASE, TOGETHER = "base", "together"
STEPS, PLACEMENT, BURST, BASELINE = "step times", "placement", "number of requests", "baseline"
STRUCTURE = (STEPS, PLACEMENT)  # the kinds whose range is the headline's: what is measured, and over what, stays
SCENARIOS = {  # scenario of structure.yaml → what is changed
    "tensorrt_llm": "TensorRT-LLM's constants",
    "lmdeploy": "LMDeploy's constants",
    "sharp_bend": "sharp bend from memory to compute",
    "smooth_bend": "smooth bend (exponent 1.35, TensorRT-LLM's)",
    "no_passes": "no activation passes",
    "no_sequence": "no cost per sequence",
    TOGETHER: "sharp bend, no passes, no cost per sequence",
}
PLACEMENTS = {  # label of placements.yaml → the value of S³'s `placement`
    "s3_first_fit": "first_fit",
    "s3_size_classes": "size_classes",
    "s3_move_needed": "move_needed",
    "s3_slide_all": "slide_all",
    "s3_on_release": "slide_on_release",
    "s3_anywhere": "anywhere",
}
BASELINES = {  # label of baselines.yaml → what S³ is held against
    "orca_16": "ORCA of at most 16 sequences",
    "orca_12": "ORCA of at most 12 sequences",
    "orca_8": "ORCA of at most 8 sequences",
    "fastertransformer": "static batches, FasterTransformer",
}
NEOX, LONGEST = "gpt-neox-20b", 2048


class Varied(NamedTuple):
    """One change to what the headline rests on, of which kind it is, and the ratio under it."""

    kind: str
    what: str
    ratio: Compared


class Reach(NamedTuple):
    """Least and most of the ratio over structure, and the changes under which the paper's is met."""

    low: float
    high: float
    met: tuple[str, ...]


def base_ratio(runs: Runs) -> Compared:
    """S³ ÷ ORCA with nothing changed."""
    return ratio(where(runs.summary("structure"), scenario=BASE), "s3", "orca")


def varied(runs: Runs) -> list[Varied]:
    """Every change alone, and the best of all together."""
    return [*_steps(runs), *_placements(runs), *_bursts(runs), *_baselines(runs)]


def reach(runs: Runs) -> Reach:
    """What the ratio spans where step times and placement are changed, and all changes that meet the paper's."""
    found = varied(runs)
    values = [base_ratio(runs).mean, *(one.ratio.mean for one in found if one.kind in STRUCTURE)]
    met = tuple(f"{one.what} ({one.ratio.mean:.2f})" for one in found if one.ratio.mean >= HEADLINE)
    return Reach(min(values), max(values), met)


def structure(section: Section, runs: Runs) -> None:
    """The tornado, its table, the sentence of what is reached, and S³ by placement near the maximum."""
    found, base = varied(runs), base_ratio(runs)
    bars = [Bar(f"{one.kind}: {one.what}", *one.ratio) for one in found if one.kind != BASELINE]
    title = f"Structure, each assumption alone, GPT-NeoX-20B at 2048: {base.mean:.2f} with all defaults"
    figure = tornado(bars, base=base.mean, x="Throughput of S³ ÷ ORCA", title=title)
    about = (
        "What the headline ratio rests on, changed alone; lines are 95% intervals over seeds, paired. Saturated part of"
        f" the burst, but where `whole` stands. S³'s placement is {_default(runs)} where none is named."
        " Other baselines than ORCA are in the table alone: their ratios lie farther out."
    )
    section.say(Picture("structure", figure, about), _table(found, base), said(reach(runs)))
    section.say(_by_placement(runs))
    for one in found:
        name = f"Structure, {one.kind}, {one.what}: S³ ÷ baseline"
        note = f"With all defaults {base.mean:.2f} ({100 * (one.ratio.mean / base.mean - 1):+.1f}%)."
        section.claim(name, paper=None, grade="?", ours=one.ratio, note=note)


def said(found: Reach) -> str:
    """What is reached under which choices."""
    text = f"Over step times and placement the ratio is {found.low:.2f} to {found.high:.2f}."
    if found.met:
        return f"{text} {HEADLINE}× is reached under: {'; '.join(found.met)}; under none of the others."
    return f"{text} {HEADLINE}× is not reached under these choices."


def _steps(runs: Runs) -> Iterator[Varied]:
    rows = runs.summary("structure")
    for scenario, what in SCENARIOS.items():
        yield Varied(STEPS, what, ratio(where(rows, scenario=scenario), "s3", "orca"))
    both = where(rows, scenario=TOGETHER)
    yield Varied(STEPS, f"{SCENARIOS[TOGETHER]}, placement anywhere", ratio(both, "s3_anywhere", "orca"))


def _placements(runs: Runs) -> Iterator[Varied]:
    rows = where(runs.summary("placements"), model=NEOX, max_length=LONGEST)
    for label, what in PLACEMENTS.items():
        yield Varied(PLACEMENT, what, ratio(rows, label, "orca"))


def _bursts(runs: Runs) -> Iterator[Varied]:
    rows = runs.summary("structure")
    for scenario in ("whole", "saturated"):
        own = where(rows, scenario=scenario)
        for requests, group in own.groupby("workload.requests"):
            yield Varied(BURST, f"{requests:,.0f} requests, {scenario}", ratio(group, "s3", "orca"))


def _baselines(runs: Runs) -> Iterator[Varied]:
    rows = runs.summary("baselines")
    for label, what in BASELINES.items():
        yield Varied(BASELINE, what, ratio(rows, "s3", label))


def _table(found: list[Varied], base: Compared) -> str:
    rows = [("–", "nothing", times(base), "–")]
    for one in found:
        rows.append((one.kind, one.what, times(one.ratio), f"{100 * (one.ratio.mean / base.mean - 1):+.1f}"))
    about = "**Structure**: S³ ÷ ORCA at 2048, GPT-NeoX; of a baseline, S³ ÷ it"
    return f"{about}\n\n" + markdown(("kind", "changed to", "S³ ÷ baseline", "change in %"), rows)


def _by_placement(runs: Runs) -> str:
    rows = runs.summary("placements")
    table = []
    for (model, length), own in rows.groupby(["model", "max_length"]):
        for label, what in {"orca": "(ORCA)", **PLACEMENTS}.items():
            group = where(own, system=label)
            cells = (text(mean(group, "request_throughput")), times(ratio(own, label, "orca")))
            spent = (text(mean(group, "preemptions")), f"{mean(group, 'relocated_bytes').mean / 1e9:,.0f}")
            table.append((model, length, what, *cells, *spent))
    heading = ("model", "maximum length", "placement", "requests/s", "÷ ORCA", "preemptions", "moved on the device GB")
    about = (
        "**S³ by placement.** The same requests, predictions and rule of admission; what differs is where a reservation"
        " goes and what is moved for it. The paper names no rule."
    )
    return f"{about}\n\n{markdown(heading, table)}"


def _default(runs: Runs) -> str:
    rows = runs.summary("structure")
    point = where(rows, scenario=BASE, system="s3")["point"].iloc[0]
    return f"`{runs.about('structure', str(point))['choices']['placement']}`"
