"""Part 9: how much of S³'s gain remains beside the systems of today, and in which regime."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.paper.claims import number
from s3sim.paper.numbers import markdown, mean, where
from s3sim.paper.runs import Runs
from s3sim.paper.section import Picture, Section
from s3sim.report.figures import maps

__all__ = ["regime", "today"]

TODAY = ("vllm", "sarathi", "past_future")
RATE, LENGTH = "arrivals.rate", "max_length"
GOODPUT, ATTAINED = "request_goodput", "slo_attainment"
KEPT = 0.9  # share of the requests within the SLO from which it counts as kept


class Cell(NamedTuple):
    """One maximum length at one load: goodput by system, and what limits ORCA there."""

    goodput: dict[str, float]
    regime: str

    def over(self, name: str) -> float:
        """S³'s goodput over another's, or over the best of today's; NaN where that is zero."""
        other = max(self.goodput[each] for each in TODAY) if name == "today" else self.goodput[name]
        return self.goodput["s3"] / other if other else float("nan")


def today(runs: Runs) -> Section:
    """A map over maximum length ÷ mean length and load."""
    section = Section("9. Against today")
    rows = runs.summary("today")
    lengths, rates = sorted(rows[LENGTH].unique()), sorted(rows[RATE].unique())
    mean_tokens = _mean_tokens(runs, rows)
    cells = {(n, r): _cell(where(rows, max_length=n, arrivals__rate=r)) for n in lengths for r in rates}
    section.say(_picture(cells, lengths, rates, mean_tokens), _table(cells))
    for name, text in (("orca", "over ORCA"), ("today", "over the best of paging, chunked prefill and Past-Future")):
        for kind in dict.fromkeys(cell.regime for cell in cells.values()):
            own = np.array([cell.over(name) for cell in cells.values() if cell.regime == kind])
            own = own[np.isfinite(own)]
            if len(own):
                section.claim(
                    f"S³'s goodput {text}, where {_spoken(kind)}",
                    paper=None,
                    grade="?",
                    ours=float(np.exp(np.log(np.maximum(own, 1e-3)).mean())),
                    low=float(own.min()),
                    high=float(own.max()),
                    note=f"Geometric mean over {len(own)} cells of the map, range theirs; GPT-NeoX, reading speed.",
                )
    return section


def regime(rows: pd.DataFrame) -> str:
    """What limits ORCA: neither; memory, where one that packs it better keeps the SLO; the SLO, where nobody does."""
    kept = rows.groupby("system")[ATTAINED].mean()
    if kept["orca"] >= KEPT:
        return "neither"
    return "memory" if kept.max() >= KEPT else "SLO"


def _spoken(kind: str) -> str:
    return {"neither": "ORCA keeps the SLO", "memory": "memory limits ORCA", "SLO": "nobody keeps the SLO"}[kind]


def _cell(rows: pd.DataFrame) -> Cell:
    goodput = {str(name): mean(group, GOODPUT).mean for name, group in rows.groupby("system")}
    return Cell(goodput, regime(rows))


def _mean_tokens(runs: Runs, rows: pd.DataFrame) -> float:
    """Prompt and output of the longest setting's requests, on average."""
    point = rows[(rows[LENGTH] == rows[LENGTH].max()) & (rows["system"] == "orca")]["point"].iloc[0]
    table = runs.table("today", str(point), "requests")
    return float((table["prompt_tokens"] + table["output_tokens"]).mean())


def _picture(
    cells: dict[tuple[int, float], Cell], lengths: list[int], rates: list[float], mean_tokens: float
) -> Picture:
    def matrix(name: str) -> NDArray[np.float64]:
        return np.array([[cells[n, r].over(name) for n in lengths] for r in rates])

    figure = maps(
        {"S³ ÷ ORCA": matrix("orca"), "S³ ÷ best of vLLM, Sarathi, Past-Future": matrix("today")},
        [[cells[n, r].regime for n in lengths] for r in rates],
        columns=[f"{n / mean_tokens:.1f}\n({n})" for n in lengths],
        rows=[f"{r:g}" for r in rates],
        x="Maximum length ÷ mean length (maximum length)",
        y="Load (requests/s)",
        title="Goodput under reading speed, GPT-NeoX-20B; in each cell what limits ORCA",
    )
    about = (
        "Left: S³'s gain over ORCA. Right: what remains beside today's systems. Neither: 90% of ORCA's requests keep"
        " the SLO. Memory: they do not, but those of a system that packs KV better do. SLO: nobody's do."
    )
    return Picture("today", figure, about)


def _table(cells: dict[tuple[int, float], Cell]) -> str:
    names = ("orca", "s3", *TODAY)
    table = []
    for (length, rate), cell in cells.items():
        table.append((length, f"{rate:g}", *(number(cell.goodput[name]) for name in names), cell.regime))
    heading = ("maximum length", "load", *names, "what limits ORCA")
    return "**Goodput**, requests/s within reading speed\n\n" + markdown(heading, table)
