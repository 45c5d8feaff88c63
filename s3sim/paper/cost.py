"""Part 6: GPUs and dollars."""

from math import inf
from typing import Any

import pandas as pd

from s3sim.paper.claims import stands
from s3sim.paper.numbers import mark, markdown, mean, ratio, text, times, where
from s3sim.paper.runs import Runs
from s3sim.paper.section import Section
from s3sim.report.paired import Compared

__all__ = ["DOLLARS", "cost"]

DOLLARS = 2.0  # per GPU and hour; an assumption, and an option of the command
SECONDS = 3600.0  # per hour


def cost(runs: Runs, *, dollars: float = DOLLARS) -> Section:
    """GPT-3 over 6, 8 and 10 GPUs; GPUs needed for a load; dollars per million output tokens."""
    section = Section("6. Cost")
    rows = runs.summary("gpt3")
    section.say(_pipelines(rows, dollars))
    counts = sorted(rows["parallel.pipeline"].unique())
    few = where(rows, parallel__pipeline=counts[0])
    for many in counts[1:]:
        gain = ratio(few, "s3", "orca", over=where(rows, parallel__pipeline=many))
        told = many == counts[-1]  # the paper's own comparison
        held = stands(1, gain.low, gain.high, grade="N", what="a ratio of 1") if told else ""
        section.claim(
            f"GPT-3 175B: S³ on {counts[0]} GPUs ÷ the vanilla system on {many}, throughput",
            paper="almost identical (10 GPUs)" if told else None,
            grade="N" if told else "?",
            ours=gain,
            note=f"{held}Offline; pipelined, Alpaca answers at 2048. Above 1: S³ on fewer GPUs is faster.",
        )
    found = runs.capacities("gpus")
    section.say(_fleet(found, dollars))
    needed = {one["system"]: one["gpus"] for one in found}
    if needed.get("s3") and needed.get("orca"):
        section.claim(
            "GPUs needed for one load under reading speed: ORCA ÷ S³",
            paper=None,
            grade="?",
            ours=needed["orca"] / needed["s3"],
            note=f"GPT-NeoX, 400 requests/s, found by search with 5 seeds: {needed['orca']} against {needed['s3']}.",
        )
    return section


def _pipelines(rows: pd.DataFrame, dollars: float) -> str:
    table = []
    for gpus in sorted(rows["parallel.pipeline"].unique()):
        own = where(rows, parallel__pipeline=gpus)
        for system, group in own.groupby("system", sort=False):
            tokens = mean(group, "output_throughput")
            price = gpus * dollars / SECONDS * 1e6
            cells = (text(mean(group, "request_throughput")) + mark(group), text(mean(group, "mean_batch_size")))
            spent = Compared(*(price / v if v else inf for v in (tokens.mean, tokens.high, tokens.low)))
            table.append((gpus, system, *cells, times(ratio(own, str(system), "orca")), text(spent)))
    heading = ("GPUs", "system", "requests/s", "mean batch", "÷ ORCA on as many", "dollars per million output tokens")
    about = f"**GPT-3 175B, pipelined, offline**, at {dollars:g} dollars a GPU hour (an input, not a fact)"
    return f"{about}\n\n{markdown(heading, table)}"


def _fleet(found: list[dict[str, Any]], dollars: float) -> str:
    table = []
    for one in found:
        table.append((one["system"], *map(_count, (one["gpus"], one["not_met"])), _hourly(one["gpus"], dollars)))
    heading = ("system", "GPUs that keep reading speed", "GPUs shown not to", "dollars an hour")
    return "**GPT-NeoX-20B at 400 requests/s** (Poisson, reading speed, 95% confidence)\n\n" + markdown(heading, table)


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _hourly(gpus: int | None, dollars: float) -> str:
    return "–" if gpus is None else f"{gpus * dollars:g}"
