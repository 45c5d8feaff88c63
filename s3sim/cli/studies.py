"""Commands that run many points to answer one question: `s3sim capacity` and `s3sim paper`."""

from pathlib import Path
from typing import Annotated

import typer

from s3sim.cli.completion import complete_system
from s3sim.cli.options import AsJson, Experiment, Override

__all__ = ["capacity", "paper"]


def capacity(
    file: Experiment,
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
    system: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this one; again for more.", autocompletion=complete_system),
    ] = None,
    override: Override = None,
    out: Annotated[Path | None, typer.Option(help="The run directory [default: results/<name>-capacity].")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Runs at one time [default: the processors].")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the runs that are finished already.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results that are there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find the load that keeps an SLO.

    The highest rate, the largest batch or the fewest GPUs at which each system was shown to keep it.

    \b
    Examples:
      s3sim capacity experiments/quickstart.yaml --find rate --slo 'p99:ttft<2s'
      s3sim capacity mine.yaml --find gpus --slo 'mean:e2el<20s' --system s3 --json
    """
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
        as_json=as_json,
    )


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
    """Run the studies of the S³ paper.

    Writes a page with its claims beside what is found.

    \b
    Examples:
      s3sim paper
      s3sim paper --quick --out results/try
    """
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
