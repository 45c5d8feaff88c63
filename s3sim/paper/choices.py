"""Part 8: what the paper leaves open, each choice varied alone."""

from collections.abc import Iterator

import pandas as pd

from s3sim.paper.claims import number
from s3sim.paper.numbers import markdown, ratio, where
from s3sim.paper.runs import Runs
from s3sim.paper.section import Picture, Section
from s3sim.paper.structure import structure
from s3sim.report.figures import Bar, tornado
from s3sim.report.paired import Compared

__all__ = ["choices"]

ACCURACY = "predictor.accuracy"
SYSTEMS = {  # label of choices.yaml → (number in §7 of the facts, what is changed)
    "s3_prompt_within": (3, "prompt within the prediction"),
    "oracle_bucket": (4, "oracle, by bucket"),
    "oracle_exact": (4, "oracle, exact"),
    "s3_output_doubled": (6, "output part doubled"),
    "s3_to_maximum": (6, "an overrun goes to the maximum"),
    "s3_by_bucket": (6, "an overrun grows by a bucket"),
    "s3_in_place": (6, "grown in place where there is room"),
    "s3_recompute": (6, "recompute instead of swap"),
    "s3_on_release": (6, "reservations slid together at each release"),
    "s3_first_come": (7, "first come, so that who returns stands by arrival"),
    "s3_apart": (8, "prefill apart, in both systems"),
}
SETTINGS = {  # scenario of settings.yaml → (number, what is changed)
    "length_512": (1, "maximum length 512"),
    "length_1024": (1, "maximum length 1024"),
    "bucket_above": (2, "reserve the edge of the bucket above"),
    "buckets_5": (1, "5 buckets"),
    "buckets_20": (1, "20 buckets"),
    "served_outputs": (5, "served outputs instead of Alpaca's answers"),
    "accuracy_656": (5, "labels that teach little: accuracy 0.656"),
    "arriving": (9, "Poisson arrivals at 60 requests/s"),
    "arriving_in_bursts": (9, "bursty arrivals at 60 requests/s"),
    "predictor_free": (10, "the predictor takes no time"),
    "predictor_on_gpu": (10, "predictions run on the GPU, between the steps"),
    "predictor_serial": (10, "one prediction at a time"),
    "predictor_memory": (10, "the predictor's memory on the GPU"),
    "half_the_workspace": (10, "half the workspace"),
}


def choices(runs: Runs) -> Section:
    """Each open choice alone: its effect on the headline ratio."""
    section = Section("8. What the paper leaves open")
    structure(section, runs)
    systems, settings = runs.summary("choices"), runs.summary("settings")
    likely = where(systems, predictor__accuracy=systems[ACCURACY].max())
    wrong = where(systems, predictor__accuracy=systems[ACCURACY].min())
    found = dict([*_by_system(likely), *_by_setting(settings)])
    often = dict(_by_system(wrong))
    base = ratio(likely, "s3", "orca")
    bars = [Bar(f"{n}. {what}", *found[n, what]) for n, what in sorted(found)]
    figure = tornado(
        bars,
        base=base.mean,
        x="Throughput of S³ ÷ ORCA",
        title=f"Each open choice alone, GPT-NeoX-20B at 2048: {base.mean:.2f} with all defaults",
    )
    about = (
        "Numbers are those of the list of open choices; lines are 95% intervals over seeds, paired. Arrivals: at 60"
        " requests/s, more than either system serves, the middle eight tenths of them."
    )
    section.say(Picture("tornado", figure, about), _table(found, often, base))
    for (n, what), one in found.items():
        note = f"With all defaults {number(base.mean)} ({100 * (one.mean / base.mean - 1):+.1f}%)."
        name = f"Open choice {n}, {what}: S³ ÷ ORCA"
        section.claim(name, paper=None, grade="?", ours=one, note=note)
    return section


def _by_system(rows: pd.DataFrame) -> Iterator[tuple[tuple[int, str], Compared]]:
    for label, key in SYSTEMS.items():
        yield key, ratio(rows, label, "orca_apart" if label == "s3_apart" else "orca")


def _by_setting(rows: pd.DataFrame) -> Iterator[tuple[tuple[int, str], Compared]]:
    for scenario, key in SETTINGS.items():
        yield key, ratio(where(rows, scenario=scenario), "s3", "orca")


def _table(found: dict[tuple[int, str], Compared], often: dict[tuple[int, str], Compared], base: Compared) -> str:
    table = []
    for key in sorted(found):
        n, what = key
        change = f"{100 * (found[key].mean / base.mean - 1):+.1f}"
        table.append((n, what, f"{found[key].mean:.2f}×", change, f"{often[key].mean:.2f}×" if key in often else "–"))
    heading = ("open choice", "changed to", "S³ ÷ ORCA", "change in %", "at accuracy 0.656")
    return markdown(heading, table)
