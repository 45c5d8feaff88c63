"""An account of KV slots whose every decision is carried out on a device's memory at once."""

from typing import TYPE_CHECKING

from gpu_validate.memory import Memory
from gpu_validate.surface import NO_TIME, Device, Elapsed
from s3sim.core.batch import Relocation
from s3sim.core.growth import Growth
from s3sim.core.kv_cache import KVCacheManager
from s3sim.core.request import Sequence

if TYPE_CHECKING:
    from s3sim.core.lane import Lane

__all__ = ["FollowedKV"]


class FollowedKV:
    """A KVCacheManager that asks another one, and tells memory what it decides, in the order in which it does."""

    def __init__(self, account: KVCacheManager, memory: Memory, device: Device) -> None:
        self.account = account
        self._memory = memory
        self._device = device
        self._moving = NO_TIME

    @property
    def capacity(self) -> int:
        """The account's."""
        return self.account.capacity

    @capacity.setter
    def capacity(self, slots: int) -> None:
        self.account.capacity = slots

    @property
    def free(self) -> int:
        """The account's."""
        return self.account.free

    @free.setter
    def free(self, slots: int) -> None:
        self.account.free = slots

    def take_moving_time(self) -> Elapsed:
        """Time spent on relocations since this was last asked: it belongs to the step that they were made for."""
        spent, self._moving = self._moving, NO_TIME
        return spent

    @property
    def longest(self) -> int:
        """The account's."""
        return self.account.longest

    def demand(self, tokens: int) -> int:
        """The account's."""
        return self.account.demand(tokens)

    def place(self, sequence: Sequence) -> bool:
        """Place, and hold memory where it succeeds."""
        placed = self.account.place(sequence)
        if placed:
            self._memory.hold(sequence)
        return placed

    def release(self, sequence: Sequence) -> None:
        """Free memory, and release."""
        self._memory.free(sequence)
        self.account.release(sequence)

    def held_by(self, sequence: Sequence) -> int:
        """The account's."""
        return self.account.held_by(sequence)

    def room_behind(self, sequence: Sequence) -> int:
        """The account's."""
        return self.account.room_behind(sequence)

    def grow(self, sequence: Sequence, tokens: int) -> None:
        """Grow; memory holds more where the sequence is, and copies nothing."""
        self.account.grow(sequence, tokens)

    def make_room(self, tokens: int) -> list[Relocation]:
        """Make room, and move what is written, against the clock."""
        return self._carry_out(self.account.make_room(tokens))

    def compact(self) -> list[Relocation]:
        """Compact, and move what is written, against the clock."""
        return self._carry_out(self.account.compact())

    def _carry_out(self, moves: list[Relocation]) -> list[Relocation]:
        if any(move.tokens for move in moves):
            mark = self._device.mark()
            self._memory.relocate(moves)
            self._moving = self._moving.plus(self._device.since(mark))
        return moves

    def growth(self, lane: "Lane") -> Growth:
        """The account's."""
        return self.account.growth(lane)

    def check_integrity(self, holders: list[Sequence]) -> None:
        """The account's."""
        self.account.check_integrity(holders)
