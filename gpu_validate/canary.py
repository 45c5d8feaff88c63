"""The canary: a small fixed computation that is timed again and again, to see how busy the machine is.

Its time over its reference time corrects a step's; it is a correction, not ground truth, so both are recorded.
"""

from collections import deque
from statistics import median

import torch
from torch import Tensor

from gpu_validate.surface import Device

__all__ = ["Canary"]

HIDDEN, ROWS, LAYERS = 128, 8, 6  # a decode of 8 rows through the matrices of a small model
SLOTS = 64  # that each row reads
REFERENCE_RUNS = 40
RECENT = 5  # runs whose median is the present


class Canary:
    """A decode-like computation of about a millisecond; `reference_s` is its median at first, or a given one."""

    def __init__(self, device: Device, *, reference_s: float | None = None) -> None:
        self._device = device
        draw = torch.Generator().manual_seed(0)
        self._wide = _drawn(draw, HIDDEN, 4 * HIDDEN)
        self._narrow = _drawn(draw, 4 * HIDDEN, HIDDEN)
        self._cache = _drawn(draw, ROWS, SLOTS, HIDDEN)
        self._rows = _drawn(draw, ROWS, HIDDEN)
        self._silent = False
        self._recent: deque[float] = deque(maxlen=RECENT)
        self.reference_s = reference_s or median(self._time() for _ in range(REFERENCE_RUNS))
        self._recent.append(self.reference_s)

    def sing(self) -> float | None:
        """Run and time it, at every second call; None at the others."""
        self._silent = not self._silent
        if not self._silent:
            return None
        self._recent.append(seconds := self._time())
        return seconds

    @property
    def slowdown(self) -> float:
        """Median of the recent times over the reference."""
        return median(self._recent) / self.reference_s

    def _time(self) -> float:
        """Seconds of the second of two runs: the first fetches into the caches what the steps have displaced."""
        with torch.inference_mode():
            self._compute()
            mark = self._device.mark()
            self._compute()
        return self._device.since(mark).device_s

    def _compute(self) -> None:
        rows = self._rows
        for _ in range(LAYERS):
            weights = torch.softmax((self._cache @ rows[:, :, None]).squeeze(-1), -1)
            mixed = (weights[:, None] @ self._cache).squeeze(1)
            rows = torch.nn.functional.layer_norm(torch.relu(mixed @ self._wide) @ self._narrow, (HIDDEN,))


def _drawn(draw: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=draw)
