"""`s3sim calibrate`: fit the roofline's constants to measurements, or hold the shipped ones against them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from s3sim.calibration import DRAWS
from s3sim.cli.plain import print_json
from s3sim.core.errors import InputError, SystemFaultError

__all__ = ["calibrate"]


def calibrate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="CSVs of measurements; --check alone takes s3sim's anchors.", metavar="[FILE.csv]..."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Fit nothing; hold the shipped constants against them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    draws: Annotated[int, typer.Option("--bootstrap", min=0, help="Fits to rows drawn anew.")] = DRAWS,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Write the constants of all fits.")] = None,
    engine: Annotated[str | None, typer.Option(help="Write this engine's constants alone.")] = None,
) -> None:
    """Fit the latency model, or check it.

    Published or own measurements are fitted to, or held against the constants that are shipped.

    A CSV has the columns version, model, gpu, n_gpus, precision, batch, input_len, output_len, metric, value and
    unit; source and note may be there. Metrics: e2e_latency, first_token_latency, first_token_latency_min,
    token_interval_p50, output_throughput, output_throughput_per_gpu, output_throughput_per_gpu_ifb_max (simulated),
    memory_used, oom. Rows that cannot be foretold are counted by reason.

    \b
    Examples:
      s3sim calibrate --check
      s3sim calibrate mine.csv --out constants.json
    """
    if check:
        _check(files or [], as_json=as_json)
    elif not files:
        raise InputError("calibrate: no file to fit to; give a CSV of measurements, or --check for the anchors")
    else:
        _fit(files, draws=draws, seed=seed, engine=engine, out=out, as_json=as_json)


def _check(files: Sequence[Path], *, as_json: bool) -> None:
    from s3sim.calibration.calibrate import check_calibration  # noqa: PLC0415 - --help is to be quick
    from s3sim.cli.calibrate_tables import print_check  # noqa: PLC0415

    found = check_calibration(files).to_json()
    if as_json:
        print_json(found)
    else:
        print_check(found)


def _fit(files: Sequence[Path], *, draws: int, seed: int, engine: str | None, out: Path | None, as_json: bool) -> None:
    from s3sim.calibration.calibrate import calibrate as fit  # noqa: PLC0415 - scipy takes a second to import
    from s3sim.calibration.report import constant_sets  # noqa: PLC0415
    from s3sim.cli.calibrate_tables import print_report  # noqa: PLC0415

    report = fit(files, draws=draws, seed=seed, engine=engine)
    if out is not None:
        _write(out, constant_sets(report.found, report.draws, engine=engine))
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report.to_json())


def _write(path: Path, sets: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(sets, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise SystemFaultError(f"{path}: cannot be written: {error}") from None
