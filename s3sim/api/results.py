"""What a run directory holds: one row of metrics per point, the tables of each, figures."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from s3sim.api.display import table_html
from s3sim.api.result import SHOWN, Result, timeline
from s3sim.core.errors import InputError, UnknownNameError
from s3sim.experiment.resolved import Point
from s3sim.report.cautions import cautions
from s3sim.report.paired import comparisons
from s3sim.report.rundir import read_run
from s3sim.report.selection import swept_keys, the_one

if TYPE_CHECKING:
    from s3sim.api.run_plots import RunPlots

__all__ = ["Results", "load"]

MOST_ROWS = 12  # that an overview shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A finished experiment: its folder, and one row of metrics per point; `plot` draws it.

    A point is named by its entry in the summary's column `point`, or by what it is found by: values of scenario,
    system, seed and swept keys, as in `results.requests(system="s3", max_num_seqs=8)`. Iterating gives a Result
    per point. Raises InputError where no point fits, or several do.
    """

    path: Path
    summary: pd.DataFrame

    @property
    def comparisons(self) -> pd.DataFrame:
        """Every system against the baseline, paired by seed; see `s3sim.report.paired.comparisons`."""
        return comparisons(self.summary, keys=swept_keys(self.summary))

    @property
    def cautions(self) -> tuple[str, ...]:
        """What to know before reading its numbers: bursts too short to measure, points where nothing finished."""
        return tuple(cautions(self.summary, read_run(self.path).rejections))

    @property
    def figures(self) -> dict[str, Path]:
        """The pictures in PNG by name, such as `offline-throughput-latency`."""
        return {path.stem: path for path in sorted((self.path / "figures").glob("*.png"))}

    @property
    def plot(self) -> "RunPlots":
        """Figures of it, such as `results.plot.throughput_latency()`."""
        from s3sim.api.run_plots import RunPlots  # noqa: PLC0415 - matplotlib takes a second to import

        return RunPlots(self.path)

    def requests(self, point: str | None = None, /, **having: Any) -> pd.DataFrame:
        """What became of each request of a point: a row each, with its times, lengths and latencies."""
        return self._table("requests", point, having)

    def events(self, point: str | None = None, /, **having: Any) -> pd.DataFrame:
        """The event log of a point: a row per change in a request's life; not kept under `log: requests`."""
        return self._table("events", point, having)

    def steps(self, point: str | None = None, /, **having: Any) -> pd.DataFrame:
        """The steps of a point: a row per stretch of like steps; not kept under `log: requests`."""
        return self._table("steps", point, having)

    def timeline(self, point: str | None = None, /, *, ids: Iterable[int] | None = None, **having: Any) -> pd.DataFrame:
        """The life of these requests of a point, or of all, as phases: id, phase, begin_s and end_s, in seconds."""
        return timeline(self.events(point, **having), ids)

    def result(self, point: str | None = None, /, **having: Any) -> Result:
        """All of a point, as `simulate` gives it; needs the full log."""
        name, run = self._point(point, having), read_run(self.path)
        about = run.about(name)
        return Result(
            point=Point.from_json({key: value for key, value in about.items() if key != "facts"}, place=name),
            requests=self.requests(name),
            events=self.events(name),
            steps=self.steps(name),
            summary=run.metrics(name),
            about=about,
        )

    def __iter__(self) -> Iterator[Result]:
        return map(self.result, self.summary["point"])

    def __len__(self) -> int:
        return len(self.summary)

    def _point(self, point: str | None, having: dict[str, Any]) -> str:
        if point is None:
            return str(the_one(self.summary, having, keys=["scenario", *swept_keys(self.summary)])["point"])
        if point not in set(self.summary["point"]):
            raise UnknownNameError("point", point, self.summary["point"])
        return point

    def _table(self, name: str, point: str | None, having: dict[str, Any]) -> pd.DataFrame:
        path = self.path / "points" / self._point(point, having) / f"{name}.parquet"
        if not path.is_file():
            raise InputError(f"{path}: was not kept; run the experiment with `log: full`")
        return pd.read_parquet(path)

    def __repr__(self) -> str:
        systems = ", ".join(dict.fromkeys(self.summary["system"]))
        return f"Results({str(self.path)!r}: {len(self)} points of {systems})"

    def _repr_html_(self) -> str:
        known = [name for name in SHOWN if name in self.summary.columns and self.summary[name].notna().any()]
        heading = ["scenario", *swept_keys(self.summary), "system", "seed", *known]
        rows = self.summary[heading].head(MOST_ROWS).itertuples(index=False, name=None)
        left = len(self) - MOST_ROWS
        return table_html(str(self.path), heading, rows, note=f"and {left} more: see .summary" if left > 0 else "")


def load(path: str | Path) -> Results:
    """The results in a run directory; raises InputError where it holds none, or those of another version."""
    run_files = read_run(Path(path))
    rows = [scenario.rows for scenario in run_files.scenarios]
    return Results(path=run_files.path, summary=pd.concat(rows, ignore_index=True))
