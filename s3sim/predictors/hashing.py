"""Random numbers that depend on a seed and a request's id alone, whatever is asked before or beside it."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["normals", "uniforms"]

# SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014);
# constants of Vigna's splitmix64.c. As a counter-based generator: the id-th output of a stream.
GOLDEN = 0x9E3779B97F4A7C15
FIRST = 0xBF58476D1CE4E5B9
SECOND = 0x94D049BB133111EB
MASK = 2**64 - 1


def uniforms(seed: int, ids: NDArray[np.int64], stream: int = 0) -> NDArray[np.float64]:
    """Numbers in the open interval (0, 1), one per id; other seeds and streams give independent ones."""
    key = _mix(_mix((seed + GOLDEN) & MASK) + (stream + 1) * GOLDEN & MASK)
    states = (np.asarray(ids).astype(np.uint64) + np.uint64(1)) * np.uint64(GOLDEN) + np.uint64(key)
    return ((_mix_array(states) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normals(seed: int, ids: NDArray[np.int64], stream: int = 0) -> NDArray[np.float64]:
    """Standard normal numbers, one per id, from two uniforms each (Box and Muller 1958)."""
    radius = np.sqrt(-2 * np.log(uniforms(seed, ids, 2 * stream)))
    angle = 2 * np.pi * uniforms(seed, ids, 2 * stream + 1)
    return np.asarray(radius * np.cos(angle))


def _mix(state: int) -> int:
    state = (state ^ state >> 30) * FIRST & MASK
    state = (state ^ state >> 27) * SECOND & MASK
    return state ^ state >> 31


def _mix_array(states: NDArray[np.uint64]) -> NDArray[np.uint64]:
    states = (states ^ states >> np.uint64(30)) * np.uint64(FIRST)
    states = (states ^ states >> np.uint64(27)) * np.uint64(SECOND)
    return states ^ states >> np.uint64(31)
