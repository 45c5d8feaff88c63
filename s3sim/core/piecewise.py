"""The account of a batch whose KV tensors are allocated anew, one slot longer, at every step."""

from typing import TYPE_CHECKING

from s3sim.core.batch import Relocation
from s3sim.core.errors import InvariantError
from s3sim.core.growth import UNLIMITED_STEPS, Grown, Growth
from s3sim.core.request import Sequence

if TYPE_CHECKING:
    from s3sim.core.lane import Lane

__all__ = ["PiecewiseGrowth", "PiecewiseKV"]


class PiecewiseKV:
    """Slots of one padded batch: rows × length, as 2·layers tensors of equal size.

    The allocator rounds each tensor to `granule` slots. While a step concatenates, one of the `tensors`
    exists twice, so an allocation needs 1/tensors more than it holds. Source: DynamicCache of
    transformers; PyTorch's caching allocator rounds large blocks to 2 MiB.
    """

    def __init__(self, capacity: int, *, granule: int, tensors: int) -> None:
        self.capacity = capacity
        self.free = capacity
        self.rows = 0
        self.length = 0
        self._granule = granule
        self._tensors = tensors

    def demand(self, tokens: int) -> int:
        """Slots that a batch of one such row needs while its last slot is copied."""
        return self._peak(self._rounded(tokens))

    def place(self, sequence: Sequence) -> bool:
        """Add a row, padded to the longest; False where the batch would not fit."""
        rows, length = self.rows + 1, max(self.length, sequence.prefill_tokens)
        if self._peak(self._rounded(rows * length)) > self.capacity:
            return False
        self.rows, sequence.reservation = rows, length
        self.extend(length)
        return True

    def release(self, sequence: Sequence) -> None:
        """Take a row out; the rest keeps its length."""
        self.rows -= 1
        sequence.reservation = 0
        self.extend(self.length if self.rows else 0)

    def held_by(self, sequence: Sequence) -> int:
        """Slots of one row."""
        return self.length

    def room_behind(self, sequence: Sequence) -> int:
        """None: rows grow together, with each step."""
        return 0

    def grow(self, sequence: Sequence, tokens: int) -> None:
        """Never asked; raises InvariantError."""
        raise InvariantError(f"{sequence} was to grow alone by {tokens} slots")

    @property
    def longest(self) -> int:
        """All free slots."""
        return self.free

    def make_room(self, tokens: int) -> list[Relocation]:
        """Tensors are not placed by us."""
        return []

    def compact(self) -> list[Relocation]:
        """Tensors are not placed by us."""
        return []

    def growth(self, lane: "Lane") -> Growth:
        """A watch over the batch's length."""
        return PiecewiseGrowth(lane, self)

    def extend(self, length: int) -> None:
        """Hold `length` slots a row from now on."""
        self.length = length
        self.free = self.capacity - self.held(length)

    def held(self, length: int) -> int:
        """Slots that the present rows hold at a length, rounding included."""
        return self._rounded(self.rows * length)

    def longest_row(self) -> int:
        """Most slots a row that the present rows can reach."""
        room = self.capacity * self._tensors // (self._tensors + 1)
        return room // self._granule * self._granule // self.rows

    def check_integrity(self, holders: list[Sequence]) -> None:
        """Audit rows, and free + held == capacity."""
        held = self.held(self.length)
        if len(holders) != self.rows:
            raise InvariantError(f"{len(holders)} sequences hold slots of {self.rows} rows")
        if self.free < 0 or self.free + held != self.capacity:
            raise InvariantError(f"free {self.free} + held {held} != capacity {self.capacity} slots")

    def _rounded(self, slots: int) -> int:
        return -(-slots // self._granule) * self._granule

    def _peak(self, slots: int) -> int:
        return slots + -(-slots // self._tensors)


class PiecewiseGrowth:
    """Every step makes every row one slot longer, until the copy no longer fits."""

    def __init__(self, lane: "Lane", kv: PiecewiseKV) -> None:
        self._lane = lane
        self._kv = kv

    def join(self, sequence: Sequence) -> None:
        """Rows are watched together."""

    def leave(self, sequence: Sequence) -> None:
        """Rows are watched together."""

    def due(self) -> list[Sequence]:
        """Make every row one slot longer; one of them speaks for all where that does not fit."""
        kv = self._kv
        if not self._lane.decoding:
            return []
        if kv.length + 1 > kv.longest_row():
            return [next(iter(self._lane.decoding))]
        kv.extend(kv.length + 1)
        return []

    def granted(self, sequence: Sequence) -> None:
        """Rows are watched together."""

    def limit(self) -> int:
        """Steps until the copy no longer fits."""
        return self._kv.longest_row() - self._kv.length + 1 if self._kv.rows else UNLIMITED_STEPS

    def grow(self, steps: int) -> Grown:
        """Lengthen the rows for the stretch's later steps."""
        kv, total, moment = self._kv, 0, 0
        before = kv.held(kv.length)
        for step in range(1, steps):
            more = kv.held(kv.length + step) - before
            total += more
            moment += step * more
        kv.extend(kv.length + steps - 1)
        return Grown(total, moment)
