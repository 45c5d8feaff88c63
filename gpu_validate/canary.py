"""The canary: a small fixed computation that is timed again and again, to see how busy the machine is.

Its time over its reference time corrects a step's; it is a correction, not ground truth, so both are recorded. What
slows a machine down depends on where data lie, so it has as many weights as the model that it stands for.
"""

from collections import deque
from collections.abc import Mapping
from statistics import median

import torch
from torch import Tensor

from gpu_validate.shapes import SIZES
from gpu_validate.surface import Device

__all__ = ["Canary"]

ROWS = 8  # of the decode that it is like
SLOTS = 64  # that each row reads
LEAST_LAYERS = 6  # computed, so that it takes about a millisecond at least; a smaller model's weights serve twice
REFERENCE_RUNS = 40
RECENT = 5  # runs whose median is the present


class Canary:
    """A decode-like computation of a millisecond or more; `reference_s` is its median at first, or a given one.

    `like` is the size whose hidden width and number of layers it has.
    """

    def __init__(
        self, device: Device, *, reference_s: float | None = None, like: Mapping[str, int] = SIZES["small"]
    ) -> None:
        self._device = device
        draw = torch.Generator().manual_seed(0)
        hidden, count = like["hidden"], like["layers"]
        self._layers = [(_drawn(draw, hidden, 4 * hidden), _drawn(draw, 4 * hidden, hidden)) for _ in range(count)]
        self._cache = _drawn(draw, count, ROWS, SLOTS, hidden)
        self._rows = _drawn(draw, ROWS, hidden)
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
        for number in range(max(LEAST_LAYERS, len(self._layers))):
            place = number % len(self._layers)
            (wide, narrow), cache = self._layers[place], self._cache[place]
            weights = torch.softmax((cache @ rows[:, :, None]).squeeze(-1), -1)
            mixed = (weights[:, None] @ cache).squeeze(1)
            rows = torch.nn.functional.layer_norm(torch.relu(mixed @ wide) @ narrow, rows.shape[1:])


def _drawn(draw: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=draw)
