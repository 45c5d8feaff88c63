"""Part 7: mispredictions, links, compaction and ageing."""

import numpy as np
import pandas as pd

from s3sim.paper.claims import number
from s3sim.paper.numbers import lines, markdown, mean, ratio, text, times, where
from s3sim.paper.runs import Runs
from s3sim.paper.section import Picture, Section
from s3sim.report.figures import panels

__all__ = ["mistakes"]

ACCURACY = "predictor.accuracy"
LINK = "device.link"
GB = 1e9
REPAIRS = ("s3", "s3_maximum", "s3_bucket", "s3_in_place", "s3_recompute")


def mistakes(runs: Runs) -> Section:
    """Throughput, preemptions and swap traffic against accuracy, and what repairs cost."""
    section = Section("7. Mispredictions")
    rows = runs.summary("mispredictions")
    section.say(*_pictures(rows), _repairs(section, rows))
    section.say(_links(section, runs.summary("links")), _ageing(section, runs))
    return section


def _pictures(rows: pd.DataFrame) -> list[Picture]:
    own = rows[~rows["system"].isin(("orca", "oracle_bucket"))]
    names = {
        "throughput": ("request_throughput", "Throughput (requests/s)", 1.0),
        "preemptions": ("preemptions", "Preemptions (per 1000 requests)", 1e3 / rows["completed"].max()),
        "swaps": ("swapped_bytes", "Swap traffic (GB)", 1 / GB),
    }
    found = []
    for stem, (metric, name, scale) in names.items():
        drawn = {"": lines(own, x=ACCURACY, y=metric, swept=ACCURACY, scale=scale)}
        figure = panels(drawn, x="Accuracy of the predicted bucket", y=name, title=f"{name.split(' (')[0]} by accuracy")
        figure.set_size_inches(7.2, 4.2)
        found.append(Picture(f"mispredictions-{stem}", figure, f"GPT-NeoX at 512, served outputs: {name}."))
    return found


def _repairs(section: Section, rows: pd.DataFrame) -> str:
    table = []
    for accuracy in sorted(rows[ACCURACY].unique()):
        own = where(rows, **{ACCURACY.replace(".", "__"): accuracy})
        table.append((accuracy, *(times(ratio(own, name, "orca")) for name in (*REPAIRS, "oracle_bucket"))))
    ends = [where(rows, **{ACCURACY.replace(".", "__"): at}) for at in (rows[ACCURACY].min(), rows[ACCURACY].max())]
    section.claim(
        f"What wrong predictions cost: throughput at accuracy {rows[ACCURACY].min():g} ÷ at 1",
        paper=None,
        grade="?",
        ours=ratio(ends[0], "s3", "s3", over=ends[1]),
        note="S³ as published, GPT-NeoX at 512, served outputs; a wrong bucket is 1.4 buckets off on average.",
    )
    for name in REPAIRS[1:]:
        section.claim(
            f"Instead of doubling and swapping, {name}: throughput ÷ S³'s",
            paper=None,
            grade="?",
            ours=ratio(ends[0], name, "s3"),
            note=f"At accuracy {rows[ACCURACY].min():g}.",
        )
    heading = ("accuracy", *(f"{name} ÷ ORCA" for name in (*REPAIRS, "oracle_bucket")))
    return markdown(heading, table)


def _links(section: Section, rows: pd.DataFrame) -> str:
    table = []
    for link in rows[LINK].unique():
        for system, group in where(rows, device__link=link).groupby("system", sort=False):
            cells = [text(mean(group, metric)) for metric in ("request_throughput", "preemptions", "compactions")]
            swapped, moved = (number(mean(group, name).mean / GB) for name in ("swapped_bytes", "relocated_bytes"))
            table.append((link, system, *cells, swapped, moved))
    slow, fast = (where(rows, device__link=rows[LINK].unique()[at]) for at in (0, -1))
    section.claim(
        "A faster host link: throughput over PCIe 5.0 x16 ÷ over 4.0 x8",
        paper=None,
        grade="?",
        ours=ratio(fast, "s3_move_needed", "s3_move_needed", over=slow),
        note="At accuracy 0.656, S³'s on The Pile; placement move_needed.",
    )
    for name in ("s3_move_needed", "s3_slide_all", "s3_on_release"):
        section.claim(
            f"What moving reservations on the device costs, {name}: throughput ÷ s3_anywhere's",
            paper=None,
            grade="?",
            ours=ratio(slow, name, "s3_anywhere"),
            note="At accuracy 0.656, PCIe 4.0 x8; anywhere: slots need not be neighbours, nothing is moved.",
        )
    section.claim(
        "Recompute instead of swap, where nothing is moved on the device: throughput ÷ swap's",
        paper=None,
        grade="?",
        ours=ratio(slow, "s3_recompute", "s3_anywhere"),
        note="At accuracy 0.656, PCIe 4.0 x8; placement anywhere for both.",
    )
    heading = ("link", "system", "requests/s", "preemptions", "compactions", "swapped GB", "moved on the device GB")
    return f"**Host link and placement**, accuracy 0.656\n\n{markdown(heading, table)}"


def _ageing(section: Section, runs: Runs) -> str:
    rows = runs.summary("ageing")
    waits = pd.DataFrame([_waits(runs, str(point)) for point in rows["point"]], index=rows.index)
    rows = pd.concat([rows, waits], axis=1)
    table = []
    for rate in sorted(rows["arrivals.rate"].unique()):
        for system, group in where(rows, arrivals__rate=rate).groupby("system", sort=False):
            cells = [text(mean(group, name)) for name in (*waits.columns, "request_throughput")]
            table.append((rate, system, *cells))
    top = where(rows, arrivals__rate=rows["arrivals.rate"].max())
    for name in ("shortest", "longest"):
        section.claim(
            f"Without ageing, longest wait of those predicted {name}, in s",
            paper=None,
            grade="?",
            ours=mean(where(top, system="s3_no_ageing"), f"{name}: longest wait, s"),
            note=f"At {top['arrivals.rate'].iloc[0]:g} requests/s; with ageing of 30 s"
            f" {text(mean(where(top, system='s3_ageing_30s'), f'{name}: longest wait, s'))}.",
        )
    heading = ("rate", "system", *waits.columns, "requests/s")
    about = "**Who starves under decreasing first fit**: waits for the first token, by predicted length"
    return f"{about}\n\n{markdown(heading, table)}"


def _waits(runs: Runs, point: str) -> dict[str, float]:
    """Seconds until the first token, of the quarter with the shortest and with the longest predictions."""
    table = runs.table("ageing", point, "requests")
    table = table[table["status"] == "finished"].sort_values("predicted_tokens", kind="stable")
    quarter = max(1, len(table) // 4)
    found: dict[str, float] = {}
    for name, part in (("shortest", table.head(quarter)), ("longest", table.tail(quarter))):
        waits = part["ttft_ms"].to_numpy(np.float64) / 1e3
        found |= {
            f"{name}: mean wait, s": float(waits.mean()),
            f"{name}: longest wait, s": float(waits.max()),
        }
    return found
