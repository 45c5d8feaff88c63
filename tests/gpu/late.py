"""A CPU that copies late: as on a GPU, a copy is under way while steps run, and some steps later it is over."""

from collections.abc import Callable

from gpu_validate.device import Cpu
from gpu_validate.surface import Copy

__all__ = ["LateCpu"]


class LateCpu(Cpu):
    """Copies are made when `done` has been asked `looks` times, or when their time is waited for."""

    def __init__(self, looks: int) -> None:
        self._looks = looks
        self.waited = 0  # copies that somebody waited for
        self.noticed = 0  # copies that were found done

    def copy(self, work: Callable[[], None]) -> Copy:
        """Nothing yet."""
        left, seconds = self._looks, list[float]()

        def make() -> float:
            if not seconds:
                seconds.append(super(LateCpu, self).copy(work).seconds())
            return seconds[0]

        def done() -> bool:
            nonlocal left
            left -= 1
            if left < 0 and not seconds:
                self.noticed += 1
                make()
            return bool(seconds)

        def wait() -> float:
            self.waited += not seconds
            return make()

        return Copy(done, wait)
