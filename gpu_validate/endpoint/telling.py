"""What the user is told of a point under way, and of one that failed."""

from collections.abc import Callable

from gpu_validate.endpoint.driver import Driver
from s3sim.core.errors import InputError, S3SimError, SystemFaultError
from s3sim.experiment.resolved import Point

__all__ = ["failed", "late", "progress"]

Say = Callable[[str], None]


def progress(say: Say) -> Callable[[int, int], None]:
    """What tells of every tenth of a point."""

    def told(done: int, of: int) -> None:
        if done * 10 // of > (done - 1) * 10 // of:
            say(f"  {done} of {of} requests")

    return told


def late(point: Point, driver: Driver) -> str:
    """What to tell of a point that took too long."""
    done = sum(answer.finished for answer in driver.answers)
    return (
        f"{point.directory}: not finished within the time allowed: {done} of {len(driver.answers)} requests are;"
        " raise --timeout, or replay fewer requests; --resume goes on"
    )


def failed(point: Point, driver: Driver) -> S3SimError:
    """What to tell of the requests that failed: the first stands for all."""
    first = driver.failures[0]
    assert first.failure is not None, "it is among the failures"
    done = sum(answer.finished for answer in driver.answers)
    kind = InputError if first.failure.refused else SystemFaultError
    return kind(
        f"{point.directory}: request {first.call.id} failed at try {first.tries}: {first.failure};"
        f" {len(driver.failures)} failed and {done} of {len(driver.answers)} were answered;"
        " --resume tries this point again"
    )
