"""Traces to files."""

from pathlib import Path

from s3sim.core.errors import InputError, SystemFaultError
from s3sim.workload.trace import Trace
from s3sim.workload.units import seconds_text

__all__ = ["write_trace"]


def write_trace(trace: Trace, path: str | Path) -> None:
    """Write a trace to .csv, .csv.gz or .parquet in the project's own format; `read_trace` gives it back exactly.

    CSV has arrival_s (seconds, all 12 decimals that matter), Parquet has arrival_ps (integers).
    Raises InputError for another suffix, SystemFaultError where the file cannot be written.
    """
    path = Path(path)
    frame = trace.to_frame()
    try:
        if path.suffix == ".parquet":
            frame.to_parquet(path, index=False)
        elif path.name.endswith((".csv", ".csv.gz")):
            frame = frame.rename(columns={"arrival_ps": "arrival_s"})
            frame["arrival_s"] = seconds_text(trace.arrival)
            packed = {"method": "gzip", "mtime": 0} if path.suffix == ".gz" else None
            frame.to_csv(path, index=False, compression=packed)
        else:
            raise InputError(f"{path}: a trace cannot be written with this suffix; use .csv, .csv.gz or .parquet")
    except OSError as error:
        raise SystemFaultError(f"{path}: cannot be written: {error.strerror or error}") from error
