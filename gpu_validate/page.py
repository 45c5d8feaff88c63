"""The page of a validation: Markdown and JSON that say every figure, also those that miss."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpu_validate.analysis import StudyResult
from gpu_validate.compare import Comparison
from s3sim.experiment.rundir import disk_faults

__all__ = ["Environment", "page_text", "write_page"]

Environment = Mapping[str, Any]
PEERS = (  # what the authors of other simulators say of theirs, in their abstracts
    ("Vidur (MLSys 2024, arXiv 2405.05465)", "request latency, error below 9%"),
    ("LLMServingSim (IISWC 2024, arXiv 2408.05499)", "serving performance, error below 14.7%"),
    ("LLMServingSim2.0 (arXiv 2511.07229)", "GPU-based serving, error of 1.9%"),
)
WORDS = {"met": "met", "missed": "**missed**", "not_measurable": "not measurable", None: ""}
HOW = """Both sides run the same replica, policies and event log. Requests, predictions (one in five in another bucket)
and capacity are equal; durations are measured on one side, and foretold by a fitted profile on the other. The fit has
seen replays of another trace, run in turn with these. The replay's clock goes by {clock}, and jumps gaps in which
nothing runs. A comparison whose repeats differ by more than 10%, or with fewer than three, is *not measurable*,
whatever its error. Errors are simulated ÷ median of the repeats - 1; spread is (most - least) ÷ median. What is named
`whole_run_…` is of the whole run; summary.csv has the same without that prefix, of the window that it measures."""
CLOCKS = {
    "canary": (
        "this thread's processor time over the slowdown of a canary, a fixed computation with as many weights, run"
        " after every second step (a correction, not ground truth; raw times stand below)"
    ),
    "device": "the device's own events",
}


def write_page(
    folder: Path, name: str, results: Sequence[StudyResult], environment: Environment, figures: Sequence[Path]
) -> list[Path]:
    """Write <name>.md and <name>.json into the folder; raises SystemFaultError for an unwritable one."""
    comparisons = [entry for result in results for entry in result.comparisons]
    plain = {
        "environment": environment,
        "comparisons": [entry.to_json() for entry in comparisons if entry.status is not None],
        "figures_without_target": [entry.to_json() for entry in comparisons if entry.status is None],
    }
    page, data = folder / f"{name}.md", folder / f"{name}.json"
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        data.write_text(json.dumps(plain, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        page.write_text(page_text(results, environment, figures), encoding="utf-8")
    return [page, data]


def page_text(results: Sequence[StudyResult], environment: Environment, figures: Sequence[Path]) -> str:
    """The page in Markdown."""
    parts = [
        "# Simulation against hardware",
        f"Written by `{environment['command']}`. {environment['machine']}; torch {environment['torch']},"
        f" transformers {environment['transformers']}, Python {environment['python']}; {environment['date']}.",
        HOW.format(clock=CLOCKS[environment["clock"]]),
        _verdicts(results),
    ]
    for result in results:
        parts += list(_study(result))
    parts += [f"![{path.stem}](figures/{path.name})" for path in figures if path.suffix == ".png"]
    parts += ["## What peers claim", _table(("simulator", "claim, by its authors"), PEERS)]
    parts.append("Their figures are of other engines and devices; none ships what would be needed to repeat them here.")
    return "\n\n".join(parts) + "\n"


def _verdicts(results: Sequence[StudyResult]) -> str:
    counts = Counter(entry.status for result in results for entry in result.comparisons if entry.status)
    return "Of {} comparisons with a target, **{} met, {} missed, {} not measurable**.".format(
        counts.total(), *(counts[status] for status in ("met", "missed", "not_measurable"))
    )


def _study(result: StudyResult) -> Iterator[str]:
    study = result.study
    load = study.workload
    yield f"## {study.name}"
    yield (
        f"{study.model}'s architecture at size `{study.size}`, random weights. Prompts of {load.prompt[0]} to"
        f" {load.prompt[1]} tokens, outputs {load.output_mean:g} on average, at most {load.max_length} together;"
        f" {load.capacity} slots. Reading KV is {result.attention_share:.0%} of the fullest decode step."
    )
    yield _fits(result)
    for scenario, (told, real) in result.orders.items():
        yield f"By throughput, {scenario}: simulated {told}; measured {real}."
    columns = ("scenario", "system", "metric", "simulated", "measured", "error", "spread", "target", "")
    yield _table(columns, [_row(entry) for entry in result.comparisons if entry.status])
    yield "Without a target:"
    yield _table(columns[:7], [_row(entry)[:7] for entry in result.comparisons if not entry.status])
    yield "Time of all steps of a run, medians of the repeats:"
    yield _costs(result)


def _fits(result: StudyResult) -> str:
    rows = []
    for scenario, calibration in result.calibrations.items():
        for name, layout in calibration.layouts.items():
            held = layout.held
            rows.append((scenario, name, layout.samples, f"{held.median:.1%}", f"{held.p95:.1%}", f"{held.bias:+.1%}"))
    table = _table(("fit for", "KV in", "steps", "held-out median", "p95", "bias of the sum"), rows)
    if not result.grid_errors:
        return table
    errors = ", ".join(f"{system} {error:+.1%}" for system, error in result.grid_errors.items())
    return (
        f"{table}\n\nA grid measured once beforehand, in place of the fit, gives a burst's duration within: {errors}."
    )


def _costs(result: StudyResult) -> str:
    rows = [
        (
            *(cost.scenario, cost.system, f"{cost.normalised_s:.3f}", f"{cost.cpu_s:.3f}", f"{cost.wall_s:.3f}"),
            *(f"{cost.raw_spread:.1%}", f"{cost.slowdown:.2f}"),
        )
        for cost in result.costs
    ]
    return _table(("scenario", "system", "clock s", "thread s", "wall s", "spread of thread s", "slowdown"), rows)


def _row(entry: Comparison) -> tuple[str, ...]:
    target = "" if entry.target is None else f"±{entry.target:.0%}"
    values = (f"{entry.simulated:.4g}", f"{entry.real_median:.4g}", f"{entry.error:+.1%}", f"{entry.real_spread:.1%}")
    return (entry.scenario, entry.system, entry.metric, *values, target, WORDS[entry.status])


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
