"""Commands for finding one's way: what may be named, a first experiment, timelines, two runs side by side."""

from pathlib import Path
from typing import Annotated

import typer

from s3sim.cli.completion import complete_kind, complete_metric, complete_name, complete_point, complete_start
from s3sim.cli.options import AsJson

__all__ = ["compare", "list_names", "new", "timeline"]


def list_names(
    kind: Annotated[
        str,
        typer.Argument(
            help="systems, models, devices, engines, links, workloads, traces, formats or metrics",
            autocompletion=complete_kind,
        ),
    ],
    names: Annotated[
        list[str] | None, typer.Argument(help="These alone.", metavar="[NAME]...", autocompletion=complete_name)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain names and metrics.

    The names that an experiment may use, and the metrics that come out.

    \b
    Examples:
      s3sim list systems
      s3sim list systems s3 vllm
      s3sim list metrics --json
    """
    from s3sim.cli.listing import list_command  # noqa: PLC0415

    list_command(kind, names or [], as_json=as_json)


def new(
    file: Annotated[Path, typer.Argument(help="The YAML to write; it must not be there yet.")],
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="PRESET",
            help="quickstart, online, memory or prediction: the question that it asks.",
            autocompletion=complete_start,
        ),
    ] = "quickstart",
) -> None:
    """Write an experiment that runs as it is.

    Every key is explained with its choices and units.

    \b
    Examples:
      s3sim new mine.yaml && s3sim run mine.yaml
      s3sim new slo.yaml --from online
    """
    from s3sim.cli.new import new_command  # noqa: PLC0415

    new_command(file, start=start)


def timeline(
    directory: Annotated[Path, typer.Argument(help="A run directory.", metavar="RUN_DIR")],
    point: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help="A point: its name, or its scenario, system, seed=N and swept key=value [the only one].",
            autocompletion=complete_point,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json.gz", help="The file to write [in RUN_DIR/figures]."),
    ] = None,
    first: Annotated[float | None, typer.Option(metavar="SECONDS", help="The first so many seconds alone.")] = None,
    last: Annotated[float | None, typer.Option(metavar="SECONDS", help="The last so many seconds alone.")] = None,
    sequences: Annotated[int, typer.Option(min=0, help="Tracks of single requests, preempted ones first.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Write a point's log for a trace viewer.

    The file is in the Trace Event Format, which ui.perfetto.dev and chrome://tracing open.

    Tracks: the steps of each lane, moves over the host link, retrainings of the predictor, single requests; counters:
    KV slots reserved and used, the batch. Too long a run is cut, and it is said what was left out.

    \b
    Examples:
      s3sim timeline results/quickstart --point 'online s3 arrivals.rate=60 seed=0'
      s3sim timeline results/mine --first 5 --out mine.json.gz
    """
    from s3sim.cli.timeline import timeline_command  # noqa: PLC0415

    timeline_command(directory, point=point, out=out, first=first, last=last, sequences=sequences, as_json=as_json)


def compare(
    one: Annotated[Path, typer.Argument(help="A run directory.", metavar="RUN_A")],
    other: Annotated[Path, typer.Argument(help="Another.", metavar="RUN_B")],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A metric of `s3sim list metrics`; again for more [the usual ones].",
            autocompletion=complete_metric,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every metric of every setting.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what differs between two runs.

    In what was asked, and in what came out, and whether that is beyond noise.

    Points are matched by scenario, system and swept values. Seeds that both ran are paired; else Welch's t is used.

    \b
    Examples:
      s3sim compare results/quickstart results/short
      s3sim compare results/a results/b --metric p99_ttft_ms --all
    """
    from s3sim.cli.compare import compare_command  # noqa: PLC0415

    compare_command(one, other, metrics=metric or [], everything=everything, as_json=as_json)
