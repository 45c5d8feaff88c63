"""Many points at once, on the cores of this machine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import chdir
from pathlib import Path
from signal import SIG_DFL, SIG_IGN, SIGINT, signal
from threading import current_thread, main_thread
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
    tasks = (delayed(_attempt_in)(Path.cwd(), point, work) for point in points)
    with _deaf_children():
        results = Parallel(n_jobs=workers, return_as="generator_unordered")(tasks)
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


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes begun meanwhile ignore Ctrl-C, which a terminal sends to all: one may be amid its imports.

    They end by their parent's hand. Only a main thread may say so.
    """
    if current_thread() is not main_thread():
        yield
        return
    before = signal(SIGINT, SIG_IGN)
    try:
        yield
    finally:
        signal(SIGINT, SIG_DFL if before is None else before)


def _attempt_in(folder: Path, point: Point, work: Work) -> Done:
    """In a worker, which may be left from an earlier run that began in another folder."""
    chdir(folder)
    return _attempt(point, work)


def _attempt(point: Point, work: Work) -> Done:
    try:
        work(point)
    except S3SimError as error:
        return Done(point, f"{point.directory}: {error}", error.exit_code)
    return Done(point)
