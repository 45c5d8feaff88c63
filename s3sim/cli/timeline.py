"""`s3sim timeline`: a point's log as a file for a trace viewer."""

from pathlib import Path
from typing import Any

from rich.console import Console

from s3sim.cli.plain import print_json
from s3sim.cli.sheets import say
from s3sim.report.timeline import Timeline, write_timeline

__all__ = ["timeline_command"]


def timeline_command(directory: Path, *, as_json: bool, **given: Any) -> None:
    """Write, and say what is in it and what is not; `given` is write_timeline's."""
    path, found = write_timeline(directory, **given)
    if as_json:
        print_json({"file": path, **found.about})
        return
    console = Console()
    for line in (_kept(found), *_left_out(found)):
        say(console, line)
    say(console, f"timeline: {path}")
    say(console, "open it at ui.perfetto.dev or chrome://tracing")


def _kept(found: Timeline) -> str:
    about = found.about
    return (
        f"{about['point']}: {about['begin_s']:.6g} to {about['end_s']:.6g} s, {about['stretches']:,} stretches of"
        f" steps, {about['requests']:,} requests"
    )


def _left_out(found: Timeline) -> list[str]:
    about = found.about
    lines = []
    if (about["begin_s"], about["end_s"]) != (0, about["run_ends_s"]):
        share = f"{about['stretches_in_run'] - about['stretches']:,} of {about['stretches_in_run']:,} stretches"
        lines.append(f"left out: {share}; the run lasts {about['run_ends_s']:.6g} s (--first, --last)")
    if about["requests"] < about["requests_in_run"]:
        others = about["requests_in_run"] - about["requests"]
        lines.append(f"left out: tracks of {others:,} of {about['requests_in_run']:,} requests (--sequences)")
    return lines
