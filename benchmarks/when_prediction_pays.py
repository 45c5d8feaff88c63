"""Write the tables and figures of docs/when_prediction_pays.md from the experiments of experiments/prediction.

    python benchmarks/when_prediction_pays.py results/prediction [--run]

reads a run directory per experiment in that folder; --run makes them first (some minutes; drift.yaml needs its data,
and is left as it is where there are none). Tables stand between `<!-- name -->` and `<!-- end -->` in the page, and
nothing else of the page is touched.
"""

import argparse
import re
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import s3sim
from s3sim.core.errors import InputError
from s3sim.report.figures.style import looks, save
from s3sim.report.intervals import mean_interval
from s3sim.report.paired import Compared, paired_ratio

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "when_prediction_pays.md"
EXPERIMENTS = ROOT / "experiments" / "prediction"
WORKLOADS = {
    "accuracy_lmsys": "LMSYS, BERT of 5 classes (accuracy 0.60)",
    "accuracy_sharegpt": "ShareGPT, published lengths (0.89)",
    "accuracy_vicuna": "Alpaca × Vicuna-7B, MiniLM (0.47)",
}
SKILL = "predictor.skill"
METRICS = {
    "request_throughput": ("requests/s", "{:.1f}"),
    "preempted": ("preemptions per request", "{:.2f}"),
    "mean_e2el_s": ("mean E2EL, s", "{:.2f}"),
    "kv_waste_fraction": ("KV waste", "{:.0%}"),
}


def rows_of(folder: Path, name: str) -> pd.DataFrame:
    """The summary of an experiment, with preemptions per request and E2EL in seconds."""
    rows = s3sim.load(folder / name).summary
    return rows.assign(preempted=rows["preemptions"] / rows["completed"], mean_e2el_s=rows["mean_e2el_ms"] / 1000)


def table(rows: pd.DataFrame, keys: list[str], metrics: tuple[str, ...] = tuple(METRICS)) -> str:
    """Markdown: a line per setting, means over seeds with half the width of their 95% intervals."""
    head = [key.removeprefix("predictor.").removeprefix("memory.") for key in keys]
    lines = [f"| {' | '.join([*head, *(METRICS[metric][0] for metric in metrics)])} |"]
    lines.append("|---" * (len(keys) + len(metrics)) + "|")
    for setting, own in rows.groupby(keys, sort=False, dropna=False):
        cells = [*map(_setting, setting), *(_interval(own[metric], METRICS[metric][1]) for metric in metrics)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _interval(values: pd.Series, form: str) -> str:
    found = mean_interval(values.tolist())
    return form.format(found.mean) + ("" if found.half is None else f" ± {form.format(found.half)}")


def _setting(value: object) -> str:
    if isinstance(value, float):
        return "–" if np.isnan(value) else f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def skill_table(folder: Path) -> str:
    """Throughput of S³ ÷ orca's and vLLM's, and preemptions, by the skill of the predictor, offline."""
    lines = ["| predictor of | skill | × orca | × vLLM | preemptions per request | under load: preemptions | E2EL, s |"]
    lines.append("|---" * 7 + "|")
    for name, title in WORKLOADS.items():
        rows = rows_of(folder, name)
        seeds = rows.set_index(["scenario", "system", SKILL, "seed"]).sort_index()
        for skill in sorted(rows[SKILL].unique()):
            own, online = seeds.loc[("offline", "s3", skill)], seeds.loc[("online", "s3", skill)]
            rate = own["request_throughput"]
            others = [seeds.loc[("offline", other, skill), "request_throughput"] for other in ("orca", "vllm")]
            cells = [title, f"{skill:g}", *(_ratio(paired_ratio(rate, other)) for other in others)]
            cells += [_interval(own["preempted"], "{:.2f}"), _interval(online["preempted"], "{:.2f}")]
            lines.append(f"| {' | '.join([*cells, _interval(online['mean_e2el_s'], '{:.2f}')])} |")
    return "\n".join(lines)


def worth_table(folder: Path) -> str:
    """What a better predictor is worth to S³ offline: throughput ÷ throughput at another skill, paired by seed."""
    lines = ["| predictor of | measured ÷ blind | right ÷ measured |", "|---|---|---|"]
    for name, title in WORKLOADS.items():
        rows = rows_of(folder, name).query("scenario == 'offline' and system == 's3'")
        rate = rows.pivot_table(index="seed", columns=SKILL, values="request_throughput")
        cells = [title, _ratio(paired_ratio(rate[0.0], rate[-1.0])), _ratio(paired_ratio(rate[1.0], rate[0.0]))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratio(found: Compared) -> str:
    return f"{found.mean:.3f} ({found.low:.3f}–{found.high:.3f})"


def skill_figure(folder: Path) -> Figure:
    """Throughput and preemptions against skill, a column per workload; the range over seeds as bars."""
    figure = Figure(figsize=(10.5, 5.6), layout="constrained")
    panels = figure.subplots(2, len(WORKLOADS), sharex=True)
    for column, (name, title) in enumerate(WORKLOADS.items()):
        rows = rows_of(folder, name).query("scenario == 'offline'")
        look = looks(rows["system"])
        for row, metric in enumerate(("request_throughput", "preempted")):
            axes = panels[row][column]
            for system, own in rows.groupby("system", sort=False):
                found = own.groupby(SKILL)[metric].agg(["mean", "min", "max"])
                spread = [found["mean"] - found["min"], found["max"] - found["mean"]]
                colour, marker, line = look[str(system)]
                style = {"color": colour, "marker": marker, "linestyle": line, "label": system, "capsize": 3}
                axes.errorbar(found.index, found["mean"], yerr=spread, **style)
            axes.set_ylim(0, None)
            axes.set_ylabel("Requests/s" if row == 0 else "Preemptions per request")
        panels[0][column].set_title(title.replace(", ", "\n", 1))
        panels[1][column].set_xlabel("skill: −1 blind, 0 as measured, 1 right")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle("All there at time 0: what a better predictor buys (bars: range over 3 seeds)")
    return figure


def buckets_figure(folder: Path) -> Figure:
    """Throughput and preemptions against the number of buckets, a line per error."""
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    panels = figure.subplots(1, 2)
    rows, styles = rows_of(folder, "buckets"), ("o-", "s--", "^-.", "D:")
    for style, (sigma, own) in zip(styles, rows.groupby("predictor.sigma"), strict=True):
        for axes, metric in zip(panels, ("request_throughput", "preempted"), strict=True):
            found = own.groupby("predictor.buckets")[metric].agg(["mean", "min", "max"])
            axes.plot(found.index, found["mean"], style, label=f"σ of the log length = {sigma:g}")
            axes.fill_between(found.index, found["min"], found["max"], alpha=0.2, linewidth=0)
    for axes, label in zip(panels, ("Requests/s", "Preemptions per request"), strict=True):
        axes.set(xscale="log", xlabel="Buckets over 2048 tokens", ylabel=label, ylim=(0, None))
    panels[1].legend(frameon=False)
    figure.suptitle("Offline; bands: range over 3 seeds")
    return figure


def tables(folder: Path) -> dict[str, str]:
    """The page's tables by name."""
    margin = rows_of(folder, "margin")
    by_bucket = margin[margin["predictor.margin_buckets"].notna()]
    by_quantile = margin[margin["predictor.quantile"].notna()]
    two = rows_of(folder, "buckets").query("`predictor.sigma` in (0, 0.5)")
    found = {
        "skill": skill_table(folder),
        "worth": worth_table(folder),
        "buckets": table(two, ["predictor.sigma", "predictor.buckets"]),
        "max_length": table(rows_of(folder, "max_length"), ["max_length", "system"]),
        "margin": table(by_bucket, ["scenario", "predictor.margin_buckets"]),
        "quantile": table(by_quantile, ["scenario", "predictor.quantile"]),
        "memory": table(rows_of(folder, "memory"), ["scenario", "memory.kv_capacity_tokens", "system"]),
        "cost": table(rows_of(folder, "cost"), ["predictor.charged_to", "predictor.seconds"]),
    }
    for name in ("drift", "drift_presets"):
        if (folder / name).is_dir():
            rows = rows_of(folder, name)
            keys = [key for key in rows.columns if key.startswith("predictor.")]
            found[name] = table(rows, ["scenario", *keys])
    return found


def main() -> None:
    """Run where asked, write figures, put tables into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--run", action="store_true")
    options = parser.parse_args()
    for path in sorted(EXPERIMENTS.glob("*.yaml")) if options.run else ():
        try:
            s3sim.run(path, out=options.folder / path.stem, overwrite=True, workers=2)
        except InputError as error:
            print(f"{path.name} is left out: {error}")
    figures = PAGE.parent / "figures"
    save(skill_figure(options.folder), figures / "prediction-skill.png")
    save(buckets_figure(options.folder), figures / "prediction-buckets.png")
    for name in ("drift", "drift_presets"):
        drawn = options.folder / name / "figures" / "retrained-foresight.png"
        if drawn.is_file():
            (figures / f"prediction-{name.replace('_', '-')}.png").write_bytes(drawn.read_bytes())
    text = PAGE.read_text(encoding="utf-8")
    for name, rows in tables(options.folder).items():
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end -->)", rf"\g<1>{rows}\n\g<2>", text, flags=re.DOTALL)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
