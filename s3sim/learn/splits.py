"""Which rows are trained on, which choose the epoch, and which are held out."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from s3sim.core.errors import InputError
from s3sim.predictors.predictor import IntArray

__all__ = ["Split", "split"]


class Split(NamedTuple):
    """Row numbers, rising; no prompt is in two parts."""

    train: IntArray
    validation: IntArray
    held_out: IntArray


def split(prompts: Sequence[str], *, held_out: float, validation: float, seed: int) -> Split:
    """Random split by prompt: rows with the same prompt stay together, so none is trained on and judged by.

    `held_out` is a share of all rows, `validation` of the rest; both are met up to one prompt's rows. Raises
    InputError where a part that is asked for stays empty.
    """
    groups = np.unique(np.array(prompts, dtype=object).astype(str), return_inverse=True)[1].reshape(-1)
    order = np.random.default_rng([seed, len(prompts)]).permutation(int(groups.max()) + 1)
    sizes = np.bincount(groups)[order]
    before = np.cumsum(sizes) - sizes  # rows of the groups before
    first = round(held_out * len(prompts))
    second = first + round(validation * (len(prompts) - first))
    part_of_group = np.empty(len(order), dtype=np.int64)
    part_of_group[order] = np.searchsorted([first, second], before, side="right")
    parts = part_of_group[groups]
    held, judged, trained = (np.flatnonzero(parts == number) for number in range(3))
    for name, rows, wanted in (("train", trained, 1), ("validation", judged, 1), ("held-out", held, first)):
        if wanted and not len(rows):
            raise InputError(
                f"{len(prompts)} rows with {len(order)} different prompts leave the {name} part empty: too few"
            )
    return Split(trained, judged, held)
