"""`gpu-validate fit`: a profile without noise, from a grid's samples or from the steps of replays."""

import argparse
from pathlib import Path

from gpu_validate.api import fit_profile
from gpu_validate.progress import say

__all__ = ["add"]

ABOUT = "Fit durations of steps, with the error on steps that were held out, and write the profile that follows."


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser("fit", help=ABOUT, description=ABOUT)
    parser.set_defaults(run=_run)
    put = parser.add_argument
    put("sources", nargs="+", type=Path, help="samples.csv of `profile`, or run directories of replays (in situ)")
    put("--system", action="append", default=[], help="of a replay, only this system [default: all]")
    put("--out", type=Path, default=Path("profile.csv"), help="the profile; its fit stands beside it as .json")


def _run(given: argparse.Namespace) -> None:
    _, held = fit_profile(given.sources, out=given.out, systems=given.system)
    say(
        f"on {held.samples} held-out samples: median error {held.median:.1%},"
        f" p95 {held.p95:.1%}, bias of the sum {held.bias:+.1%}"
    )
    say(f"wrote {given.out}")
