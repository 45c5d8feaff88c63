"""`gpu-validate fit`: a profile without noise, from a grid's samples or from the steps of replays."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from gpu_validate.fit import fit_samples, held_out, profile_rows
from gpu_validate.kept import kept_points
from gpu_validate.profiling import write_rows
from gpu_validate.progress import say
from gpu_validate.samples import Sample, read_samples

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
    samples = [sample for source in given.sources for sample in _samples(source, given.system)]
    fit, held = fit_samples(samples), held_out(samples)
    write_rows(given.out, profile_rows(fit))
    plain = {"held_out": asdict(held), "fit": asdict(fit), "sources": [str(path) for path in given.sources]}
    given.out.with_suffix(".json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    say(
        f"{len(samples)} samples; on {held.samples} held-out ones: median error {held.median:.1%},"
        f" p95 {held.p95:.1%}, bias of the sum {held.bias:+.1%}"
    )
    say(f"wrote {given.out}")


def _samples(source: Path, systems: list[str]) -> list[Sample]:
    if not source.is_dir():
        return read_samples(source)
    if (source / "samples.csv").is_file():
        return read_samples(source / "samples.csv")
    chosen = [kept for kept in kept_points(source) if not systems or kept.name[1] in systems]
    return [sample for kept in chosen for sample in kept.samples()]
