"""Part 3: what piecewise growth and its stalls cost, and what reserving the maximum costs."""

import pandas as pd

from s3sim.paper.numbers import best, markdown, mean, ordered, percent, ratio, text, where
from s3sim.paper.runs import Runs
from s3sim.paper.section import Picture, Section
from s3sim.report.figures import Line, panels
from s3sim.report.paired import Compared

__all__ = ["static"]

KINDS = ("huggingface", "huggingface_static", "fastertransformer")


def static(runs: Runs) -> Section:
    """HF Transformers against FasterTransformer."""
    section = Section("3. HF Transformers against FasterTransformer")
    rows = _labelled(runs.summary("static"))
    groups = {f"{m}, {e}'s step times": where(rows, model=m, engine=e) for m, e in _settings(rows)}
    lines = {name: [_line(kind, where(group, kind=kind)) for kind in KINDS] for name, group in groups.items()}
    section.say(_picture(lines), _table(groups))
    for name in ordered(rows, "model"):
        _claim(section, where(rows, model=name), name)
    return section


def _labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with what each label says: the allocator and the batch size asked for."""
    parts = rows["system"].str.rsplit("_", n=1, expand=True)
    return rows.assign(kind=parts[0], asked=parts[1].astype(int))


def _settings(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return [(model, engine) for model in ordered(rows, "model") for engine in rows["engine"].unique()]


def _line(kind: str, rows: pd.DataFrame) -> Line:
    asked = sorted(rows["asked"].unique())
    found = [mean(where(rows, asked=size), "request_throughput") for size in asked]
    ends = ([getattr(one, end) for one in found] for end in ("mean", "low", "high"))
    y, low, high = ends
    return Line(name=kind, x=[float(size) for size in asked], y=y, low=low, high=high)


def _picture(lines: dict[str, list[Line]]) -> Picture:
    figure = panels(
        lines,
        x="Batch size asked for (sequences)",
        y="Throughput (requests/s)",
        log="xy",
        title="Static batches by allocator and engine",
    )
    return Picture("static", figure, "Throughput of static batches; where memory does not hold one it runs in halves.")


def _table(groups: dict[str, pd.DataFrame]) -> str:
    table = []
    for name, group in groups.items():
        for kind in KINDS:
            own = where(group, kind=kind)
            top = best(own, "asked")
            failed = own.loc[own["restarts"] > 0, "asked"]
            cliff = "never" if failed.empty else f"{failed.min()}"
            cells = [text(mean(top, metric)) for metric in ("request_throughput", "mean_batch_size")]
            shares = [percent(mean(top, metric)) for metric in ("kv_waste_fraction", "padding_fraction")]
            table.append((name, kind, int(top["asked"].iloc[0]), *cells, *shares, cliff))
    heading = ("model, engine", "allocator", "best batch", "requests/s", "mean batch", "KV waste %", "padding %")
    return markdown((*heading, "runs out of memory from"), table)


def _claim(section: Section, rows: pd.DataFrame, name: str) -> None:
    same = where(rows, engine=rows["engine"].iloc[0])
    asked = min(same["asked"].unique(), key=lambda size: abs(size - 16))
    growing, fixed = f"huggingface_{asked}", f"fastertransformer_{asked}"
    section.claim(
        f"HF Transformers grows the KV cache piece by piece and stalls: {name}, growing ÷ allocated once",
        paper="stalls",
        grade="N",
        ours=ratio(same, growing, fixed),
        note=f"Throughput at batch {asked}, step times of FasterTransformer for both.",
    )
    tops = [best(where(same, kind=kind), "asked") for kind in ("fastertransformer", "huggingface")]
    wall, grown = (mean(top, "request_throughput").mean for top in tops)
    waste = mean(tops[0], "kv_waste_fraction")
    section.claim(
        f"FasterTransformer reserves the maximum up front: {name}, share of its reservation never used, in %",
        paper="reserves the maximum",
        grade="N",
        ours=Compared(*(100 * value for value in waste)),
        note=f"At its best batch; HF's growing cache at its own best reaches {grown / wall:.1f}× that throughput,"
        " with the same step times.",
    )
