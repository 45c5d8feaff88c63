"""Sequences made by hand, for tests of the core's parts."""

from s3sim.core.request import Prediction, Request, Sequence

__all__ = ["sequence"]


def sequence(
    order: int, *, prompt: int = 4, max_new: int = 1000, predicted: int | None = None, arrival: int = 0
) -> Sequence:
    """A waiting sequence; its id is 100 + order."""
    request = Request(100 + order, arrival, prompt, max_new)
    return Sequence(request, None if predicted is None else Prediction(predicted), order)
