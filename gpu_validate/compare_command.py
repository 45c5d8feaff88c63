"""`gpu-validate compare`: one simulation against the repeats of its replay."""

import argparse
import json
from pathlib import Path

from gpu_validate.run_comparison import compare_runs

__all__ = ["add"]

ABOUT = "Hold a simulated run directory against replays of the same experiment, metric by metric."


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser("compare", help=ABOUT, description=ABOUT)
    parser.set_defaults(run=_run)
    parser.add_argument("simulated", type=Path, help="a run directory of `s3sim run`")
    parser.add_argument("real", type=Path, nargs="+", help="run directories of `gpu-validate replay`; 3 at least")
    parser.add_argument("--model", default="", help="what the table calls the model")
    parser.add_argument("--out", type=Path, help="also write the comparisons as JSON")


def _run(given: argparse.Namespace) -> None:
    found = compare_runs(given.simulated, given.real, model=given.model)
    for entry in found:
        verdict = "" if entry.status is None else f"  {entry.status} (target {entry.target:.0%})"
        print(  # noqa: T201
            f"{entry.scenario:20} {entry.system:14} {entry.metric:22} simulated {entry.simulated:<10.4g}"
            f" measured {entry.real_median:<10.4g} error {entry.error:+7.1%}  spread {entry.real_spread:6.1%}{verdict}"
        )
    if given.out is not None:
        plain = {"comparisons": [entry.to_json() for entry in found]}
        given.out.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
