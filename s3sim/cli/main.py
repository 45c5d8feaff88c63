"""`s3sim`: the commands, and how errors become messages and exit codes.

Exit codes: 0 done; 1 the machine failed us or the run was interrupted; 2 the input cannot be used.
Imports of the simulator are made by the command that needs them, so that --help is quick.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from s3sim.cli import model
from s3sim.cli.calibrate import calibrate
from s3sim.cli.predictor import predictor_app
from s3sim.cli.trace import trace_app
from s3sim.core.errors import S3SimError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Simulate LLM serving with output-length prediction: S³ against max-length and paged KV allocation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(model.app, name="model")
app.add_typer(predictor_app, name="predictor")
app.command()(calibrate)
app.add_typer(trace_app, name="trace")


def main() -> None:
    """Run the command line; errors of s3sim end in one message and an exit code."""
    try:
        app()
    except S3SimError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - rich would wrap paths and keys
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        sys.exit(1)


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="The experiment YAML.")],
    override: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key, as in workload.requests=100.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run directory [default: results/<name>].")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Points at one time [default: the processors].")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the points that are finished already.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results that are there.")] = False,
) -> None:
    """Run an experiment: every system, seed and swept value; print a table, draw figures and a page."""
    from s3sim.cli.run import run_command  # noqa: PLC0415

    run_command(file, overrides=override or [], out=out, workers=workers, resume=resume, overwrite=overwrite)


@app.command()
def capacity(
    file: Annotated[Path, typer.Argument(help="The experiment YAML.")],
    find: Annotated[str, typer.Option(help="rate (highest), batch (largest) or gpus (fewest).")],
    slo: Annotated[
        list[str],
        typer.Option(
            metavar="STATISTIC:METRIC<LIMIT",
            help="mean or a percentile of ttft, tpot, e2el, normalized_latency, as in 'p99:ttft<2s'; again for more.",
        ),
    ],
    confidence: Annotated[float, typer.Option(help="Of the interval that settles a level.")] = 0.95,
    seeds: Annotated[str | None, typer.Option(help="Of every level, as 0-4 or 0,1,7 [default: its own].")] = None,
    max_seeds: Annotated[int | None, typer.Option(help="Of an undecided level [default: 4 times as many].")] = None,
    low: Annotated[float | None, typer.Option(help="Where to begin [default: by the experiment].")] = None,
    high: Annotated[float | None, typer.Option(help="Where to begin; doubled as long as the SLO is met.")] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Relative width of the bracket [default: 0.02 of a rate, else exact].")
    ] = None,
    scenario: Annotated[str | None, typer.Option(help="[default: the one that fits.]")] = None,
    system: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this one; again for more.")] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key, as in workload.requests=100.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run directory [default: results/<name>-capacity].")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Runs at one time [default: the processors].")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the runs that are finished already.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results that are there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the highest rate, the largest batch or the fewest GPUs at which each system keeps an SLO."""
    from s3sim.cli.capacity import capacity_command  # noqa: PLC0415

    capacity_command(
        file,
        find=find,
        slo=slo,
        confidence=confidence,
        seeds=seeds,
        max_seeds=max_seeds,
        low=low,
        high=high,
        tolerance=tolerance,
        scenario=scenario,
        systems=system or [],
        overrides=override or [],
        out=out,
        workers=workers,
        resume=resume,
        overwrite=overwrite,
        as_json=json,
    )


@app.command()
def paper(
    folder: Annotated[Path, typer.Argument(help="The folder of the paper's experiments.")] = Path("experiments/paper"),
    out: Annotated[Path, typer.Option(help="Where the run directories go.")] = Path("results/paper"),
    docs: Annotated[
        Path | None, typer.Option(help="Where paper.md and paper.json go [default: docs; with --quick: --out].")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Points at one time [default: the processors].")] = None,
    dollars: Annotated[float, typer.Option(min=0.0, help="Price of a GPU hour; an assumption.")] = 2.0,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the points that are finished already.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results that are there.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Few requests and settings: to see that all works.")] = False,
) -> None:
    """Run every study of the S³ paper and write a page with its claims beside what is found."""
    from s3sim.cli.paper import paper_command  # noqa: PLC0415

    paper_command(
        folder,
        out=out,
        docs=docs or (out if quick else Path("docs")),
        workers=workers,
        dollars=dollars,
        resume=resume,
        overwrite=overwrite,
        quick=quick,
    )


@app.command()
def report(directory: Annotated[Path, typer.Argument(help="A run directory.")]) -> None:
    """Print a run's table, redraw its figures and its page report.html, from the run directory alone."""
    from s3sim.cli.run import report_command  # noqa: PLC0415

    report_command(directory)


@app.command()
def resolve(
    file: Annotated[Path, typer.Argument(help="The experiment YAML.")],
    override: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key, as in workload.requests=100.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything of each point, for gpu-validate replay.")] = False,
) -> None:
    """Print the points of an experiment, with every preset and default written out."""
    from s3sim.cli.resolve import resolve_command  # noqa: PLC0415

    resolve_command(file, overrides=override or [], as_json=as_json)


@app.command(name="list")
def list_names(
    kind: Annotated[str, typer.Argument(help="systems, models, devices, engines, links, workloads or formats")],
) -> None:
    """List the names that an experiment may use."""
    from s3sim.cli.listing import list_command  # noqa: PLC0415

    list_command(kind)


@app.command()
def schema() -> None:
    """Print the JSON schema of an experiment YAML, for editors."""
    import json  # noqa: PLC0415

    from s3sim.experiment.schema import json_schema  # noqa: PLC0415

    typer.echo(json.dumps(json_schema(), indent=1))


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed  # noqa: PLC0415

    typer.echo(installed("s3sim"))
