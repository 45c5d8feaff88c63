"""Predictors by name."""

from collections.abc import Mapping

from s3sim.core.errors import UnknownNameError
from s3sim.predictors.confusion import ConfusionMatrix
from s3sim.predictors.predictor import Predictor
from s3sim.predictors.simple import ConstantPredictor, Noisy, Oracle, Recorded

__all__ = ["PREDICTORS", "predictor_class"]

PREDICTORS: Mapping[str, type[Predictor]] = {
    "confusion": ConfusionMatrix,
    "constant": ConstantPredictor,
    "noisy": Noisy,
    "oracle": Oracle,
    "recorded": Recorded,
}


def predictor_class(name: str) -> type[Predictor]:
    """Class of that name; UnknownNameError lists the known ones."""
    if name not in PREDICTORS:
        raise UnknownNameError("predictor", name, PREDICTORS)
    return PREDICTORS[name]
