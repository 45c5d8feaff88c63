"""`s3sim`: the commands, and how errors become messages and exit codes.

Exit codes: 0 done; 1 the machine failed us or the run was interrupted; 2 the input cannot be used.
Imports of the simulator are made by the command that needs them, so that --help is quick.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from s3sim.cli import explore, model, studies
from s3sim.cli.calibrate import calibrate
from s3sim.cli.options import AsJson, Experiment, Override
from s3sim.cli.predictor import predictor_app
from s3sim.cli.trace import trace_app
from s3sim.core.errors import S3SimError

__all__ = ["app", "main"]

INTERRUPTED = 130  # typer's exit code after Ctrl-C, 128 + SIGINT, without a word

app = typer.Typer(
    help="Simulate LLM serving with output-length prediction: S³ against max-length and paged KV allocation.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(model.app, name="model")
app.add_typer(predictor_app, name="predictor")
app.command()(calibrate)
app.add_typer(trace_app, name="trace")
app.command()(studies.capacity)
app.command()(studies.paper)
app.command()(explore.new)
app.command()(explore.timeline)
app.command()(explore.compare)
app.command(name="list")(explore.list_names)


def main() -> None:
    """Run the command line; errors of s3sim end in one message and an exit code."""
    try:
        app(prog_name="s3sim")  # also where it was started by another name, such as `python -m s3sim`
    except S3SimError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - rich would wrap paths and keys
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _interrupted()
    except SystemExit as ending:
        if ending.code == INTERRUPTED:
            _interrupted()
        raise


def _interrupted() -> None:
    print("interrupted", file=sys.stderr)  # noqa: T201
    sys.exit(1)


@app.command()
def run(
    file: Experiment,
    override: Override = None,
    out: Annotated[Path | None, typer.Option(help="The run directory [default: results/<name>].")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Points at one time [default: the processors].")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the points that are finished already.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results that are there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run an experiment.

    Every system, seed and swept value; prints tables, draws figures and a page. With --json a row per point, keyed as
    summary.csv, and the comparisons with the baseline.

    \b
    Examples:
      s3sim run experiments/quickstart.yaml
      s3sim run experiments/quickstart.yaml --set max_length=512 --out results/short
      s3sim run mine.yaml --resume --json
    """
    from s3sim.cli.run import run_command  # noqa: PLC0415

    run_command(
        file,
        overrides=override or [],
        out=out,
        workers=workers,
        resume=resume,
        overwrite=overwrite,
        as_json=as_json,
    )


@app.command()
def report(
    directory: Annotated[Path, typer.Argument(help="A run directory.", metavar="RUN_DIR")], as_json: AsJson = False
) -> None:
    """Print a run, and redraw its figures.

    Its page report.html is written anew too, from the run directory alone.

    \b
    Examples:
      s3sim report results/quickstart
      s3sim report results/quickstart --json
    """
    from s3sim.cli.run import report_command  # noqa: PLC0415

    report_command(directory, as_json=as_json)


@app.command()
def resolve(
    file: Experiment,
    override: Override = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything of each point, for gpu-validate replay.")] = False,
) -> None:
    """Print the points of an experiment.

    With --json every preset and default is written out.

    \b
    Examples:
      s3sim resolve experiments/quickstart.yaml
      s3sim resolve experiments/quickstart.yaml --json
    """
    from s3sim.cli.resolve import resolve_command  # noqa: PLC0415

    resolve_command(file, overrides=override or [], as_json=as_json)


@app.command()
def schema() -> None:
    """Print the JSON schema of experiments.

    For editors, which then complete and check a YAML.

    \b
    Example:
      s3sim schema > schema.json
    """
    import json  # noqa: PLC0415

    from s3sim.experiment.schema import json_schema  # noqa: PLC0415

    typer.echo(json.dumps(json_schema(), indent=1))


@app.command()
def version() -> None:
    """Print the version.

    \b
    Example:
      s3sim version
    """
    from importlib.metadata import version as installed  # noqa: PLC0415

    typer.echo(installed("s3sim"))
