"""Many points at once, on the cores of this machine."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from warnings import catch_warnings

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from s3sim.core.errors import S3SimError, SystemFaultError
from s3sim.experiment.resolved import Point

__all__ = ["Done", "run_points"]

Work = Callable[[Point], None]


class Done(NamedTuple):
    """A point that was worked on, and the error that it met, if any."""

    point: Point
    error: str | None = None
    exit_code: int = 0


def run_points(points: Sequence[Point], work: Work, *, workers: int) -> Iterator[Done]:
    """Work on every point, as many at once as there are workers; yields each as it is done.

    Errors of the user's input come back as values: a worker process could not hand over the
    exception itself. Anything else is a bug, and is raised. Raises SystemFaultError where a worker dies.
    """
    workers = min(workers, len(points))
    if workers <= 1:
        yield from (_attempt(point, work) for point in points)
        return
    results = Parallel(n_jobs=workers, return_as="generator_unordered")(delayed(_attempt)(p, work) for p in points)
    try:
        for done in results:  # noqa: UP028 - `yield from` would close the results itself, with a warning
            yield done
    except TerminatedWorkerError:  # loky, joblib's default, outlives a worker that dies and says so
        raise SystemFaultError(
            "a worker process was killed, perhaps for want of memory; --resume continues, with fewer --workers"
        ) from None
    finally:
        with catch_warnings(action="ignore"):  # of tasks that are cancelled where a point has failed
            results.close()


def _attempt(point: Point, work: Work) -> Done:
    try:
        work(point)
    except S3SimError as error:
        return Done(point, f"{point.directory}: {error}", error.exit_code)
    return Done(point)
