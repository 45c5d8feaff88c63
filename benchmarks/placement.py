"""Write docs/placement.md's tables from the experiments of experiments/placement.

    python benchmarks/placement.py results/placement [--run]

reads a run directory per experiment in that folder; --run makes them first (some minutes on two cores). Tables stand
between `<!-- name -->` and `<!-- end -->` in the page, and nothing else of the page is touched.
"""

import argparse
import re
from pathlib import Path

import pandas as pd

import s3sim
from s3sim.report.paired import paired_ratio

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "placement.md"
EXPERIMENTS = ROOT / "experiments" / "placement"
DATA_SETS = {
    "alpaca": "Alpaca (accuracy 0.99)",
    "vicuna": "Alpaca × Vicuna-7B (0.47)",
    "lmsys": "LMSYS × Vicuna-13B (0.60)",
    "sharegpt": "ShareGPT (0.89)",
}
PLACEMENTS = ("first_fit", "size_classes", "move_needed", "slide_all", "anywhere")
BASELINES = ("orca", "vllm")


def ratios(rows: pd.DataFrame, name: str) -> str:
    """Markdown: requests per second of each placement ÷ first fit's, by maximum length, paired by seed."""
    others = (*PLACEMENTS[1:], *BASELINES)
    lines = [f"| data set | max_length | first_fit, requests/s | {' | '.join(others)} | slide_all moved, TB |"]
    lines.append("|---" * (len(others) + 4) + "|")
    for length, own in rows.groupby("max_length", sort=True):
        rate = own.pivot_table(index="seed", columns="system", values="request_throughput")
        moved = own.loc[own["system"] == "slide_all", "relocated_bytes"].mean() / 1e12
        cells = [DATA_SETS[name], f"{length:,}", f"{rate['first_fit'].mean():.1f}"]
        cells += [_ratio(rate[other], rate["first_fit"]) for other in others]
        lines.append(f"| {' | '.join([*cells, f'{moved:.1f}'])} |")
    return "\n".join(lines)


def _ratio(ours: "pd.Series[float]", theirs: "pd.Series[float]") -> str:
    found = paired_ratio(ours, theirs)
    return f"{found.mean:.3f} ({found.low:.3f}–{found.high:.3f})"


def main() -> None:
    """Run the experiments where that is asked for, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the run directories")
    parser.add_argument("--run", action="store_true", help="run the experiments first")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    text = PAGE.read_text(encoding="utf-8")
    for name in DATA_SETS:
        folder = given.folder / name
        if given.run:
            s3sim.run(EXPERIMENTS / f"{name}.yaml", out=folder, workers=given.workers, overwrite=True, figures=False)
        table = ratios(s3sim.load(folder).summary, name)
        place = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", flags=re.DOTALL)
        text = place.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
