"""Parts 1 and 2: utilisation and memory cliff, throughput and latency, while the batch grows."""

import pandas as pd

from s3sim.hardware.presets import device, model
from s3sim.paper.claims import NO_BOUND
from s3sim.paper.numbers import best, lines, mark, markdown, mean, ordered, percent, ratio, text, times, where
from s3sim.paper.runs import Runs
from s3sim.paper.section import Picture, Section
from s3sim.report.figures import Line, panels
from s3sim.report.paired import Compared

__all__ = ["latency", "utilisation"]

READING_MS = 187.5  # per token: 4 words/s at 0.75 word per token (S³ §5, recalled)
SAME = 1.01  # a batch that grows by less has met its wall


def utilisation(runs: Runs) -> Section:
    """Compute and bandwidth utilisation against batch size, and each allocator's memory cliff."""
    section = Section("1. Utilisation and the memory cliff")
    rows = runs.summary("growing_batch")
    models = ordered(rows, "model")
    section.say(_pictures(rows, models, "compute", "Compute"), _pictures(rows, models, "bandwidth", "Memory bandwidth"))
    section.say(_cliffs(rows, models))
    _claim_batch_one(section, where(rows, model="gpt-j-6b", system="orca", max_num_seqs=1))
    _claim_growth(section, rows)
    return section


def _pictures(rows: pd.DataFrame, models: list[str], kind: str, name: str) -> Picture:
    swept = "max_num_seqs"
    metric = f"{kind}_utilisation"
    found = {each: lines(where(rows, model=each), x=swept, y=metric, swept=swept, scale=100) for each in models}
    title = f"{name} utilisation while the batch may grow"
    figure = panels(found, x=f"{swept} (sequences)", y="Utilisation (% of peak)", log="x", title=title)
    about = "in % of the nominal peak over busy time, against max_num_seqs: level from the memory cliff on."
    return Picture(f"utilisation-{kind}", figure, f"{name} utilisation, {about}")


def _cliffs(rows: pd.DataFrame, models: list[str]) -> str:
    shares = ("compute_utilisation", "bandwidth_utilisation", "kv_waste_fraction")
    table = []
    for name in models:
        for system, group in where(rows, model=name).groupby("system", sort=False):
            last = where(group, max_num_seqs=group["max_num_seqs"].max())
            cells = [text(mean(last, metric)) for metric in ("mean_batch_size", "request_throughput")]
            cells[-1] += mark(last)
            table.append((name, system, _cliff(group), *cells, *(percent(mean(last, metric)) for metric in shares)))
    heading = ("model", "system", "no larger batch from max_num_seqs", "mean batch there", "requests/s")
    return markdown((*heading, "compute %", "bandwidth %", "KV waste %"), table)


def _cliff(group: pd.DataFrame) -> str:
    """The least limit whose batch is all that a larger one gives."""
    means = group.groupby("max_num_seqs")["mean_batch_size"].mean()
    top = means.iloc[-1]
    at = means.index[(means * SAME >= top).to_numpy().argmax()]
    return f"{at}" if at < means.index[-1] else "not met"


def _claim_batch_one(section: Section, rows: pd.DataFrame) -> None:
    share = mean(rows, "compute_utilisation")
    section.claim(
        "GPT-J on A100: compute utilisation as low as, in %",
        paper="0.4",
        grade="Q",
        ours=Compared(*(100 * value for value in share)),
        note="Batch 1, over busy time, prompts included; decode alone is the next row.",
    )
    tpot = mean(rows, "mean_tpot_ms")
    flops = 2 * model("gpt-j-6b").parameters / device("a100-80gb").fp16_flops
    section.claim(
        "The same by arithmetic: 2·parameters ÷ (time per token · peak), in %",
        paper="0.39",
        grade="D",
        ours=100 * flops / (tpot.mean / 1e3),
        note=f"Decode alone at {tpot.mean:.1f} ms a token.",
    )


def _claim_growth(section: Section, rows: pd.DataFrame) -> None:
    for name in ("gpt-j-6b", "gpt-neox-20b"):
        group = where(rows, model=name, system="orca")
        top, one = (where(group, max_num_seqs=group["max_num_seqs"].agg(end)) for end in ("max", "min"))
        section.claim(
            f"Utilisation grows with batch size until memory stops it: {name}, wall ÷ batch 1",
            paper="grows",
            grade="N",
            ours=ratio(top, "orca", "orca", "compute_utilisation", over=one),
            note=f"ORCA at 2048; at its wall the batch is {mean(top, 'mean_batch_size').mean:.1f}. Holds.",
        )
    walls = [_wall(where(rows, model=name, system="orca")) for name in ("gpt-neox-20b", "gpt-j-6b")]
    section.claim(
        "The memory cliff comes earlier for the larger model: batch of NeoX ÷ GPT-J at the cliff",
        paper="earlier",
        grade="N",
        ours=walls[0] / walls[1],
        note="Maximum-length reservation at 2048. Holds where the ratio is below 1.",
    )


def _wall(rows: pd.DataFrame) -> float:
    return mean(best(rows, "max_num_seqs", "mean_batch_size"), "mean_batch_size").mean


def latency(runs: Runs) -> Section:
    """Throughput against time per token while the batch grows (Fig. 1)."""
    section = Section("2. Throughput against latency while the batch grows")
    rows = runs.summary("growing_batch")
    models = ordered(rows, "model")
    figure = panels(
        {name: _against_latency(where(rows, model=name)) for name in models},
        x="Throughput (requests/s)",
        y="Mean TPOT (ms)",
        log="xy",
        limit=READING_MS,
        limit_name="reading speed, 187.5 ms a token",
        title="Time per output token against throughput, max_num_seqs from 1 to 1024",
    )
    about = (
        "From left to right the batch may grow; ORCA's line ends at its memory wall, S³'s goes on. TPOT leaves the"
        " queue out, for everything is there at time 0."
    )
    section.say(Picture("throughput-latency", figure, about))
    for name in models:
        _claim_extension(section, where(rows, model=name), name)
    return section


def _against_latency(rows: pd.DataFrame) -> list[Line]:
    return lines(rows, x="request_throughput", y="mean_tpot_ms", swept="max_num_seqs")


def _claim_extension(section: Section, rows: pd.DataFrame, name: str) -> None:
    tops = {system: best(group, "max_num_seqs") for system, group in rows.groupby("system", sort=False)}
    both = pd.concat(tops.values())
    tpot = {system: mean(top, "mean_tpot_ms").mean for system, top in tops.items()}
    section.claim(
        f"S³ extends the curve that memory stops: {name}, best throughput ÷ ORCA's",
        paper="extends (dashed)",
        grade="N",
        ours=ratio(both, "s3", "orca"),
        note=f"TPOT there: ORCA {tpot['orca']:.0f} ms, S³ {tpot['s3']:.0f} ms; reading speed is {READING_MS} ms.",
    )
    exact = mean(tops["oracle_exact"], "mean_tpot_ms")
    section.claim(
        f"Reading speed leaves room: {name}, exact oracle's TPOT at its best throughput, in ms",
        paper=f"SLO {READING_MS}",
        grade="M",
        ours=exact,
        note=f"Oracle ÷ ORCA in throughput: {times(ratio(both, 'oracle_exact', 'orca'))}. {NO_BOUND}",
    )
