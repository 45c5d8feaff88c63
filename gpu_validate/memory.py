"""Which slots of an arena are whose: extents at the account's addresses, or blocks by a table of our own."""

from typing import Protocol

import torch

from gpu_validate.arena import Arena, Slots
from s3sim.core.batch import Relocation
from s3sim.core.errors import InvariantError
from s3sim.core.request import Sequence

__all__ = ["BlockMemory", "ExtentMemory", "Memory", "SlotMemory"]


class Memory(Protocol):
    """Device memory that follows an account: what is placed, released or moved there is so here at once."""

    def hold(self, sequence: Sequence) -> None:
        """The account has placed the sequence."""
        ...

    def free(self, sequence: Sequence) -> None:
        """The account is about to release the sequence."""
        ...

    def relocate(self, moves: list[Relocation]) -> None:
        """The account has moved extents, in this order."""
        ...

    def written(self) -> int:
        """Slots that are written, counted in the tensors."""
        ...

    @property
    def kv_bytes(self) -> int:
        """Bytes of all KV tensors as they are allocated now."""
        ...


class SlotMemory(Memory, Protocol):
    """Memory whose positions are slots of an arena."""

    arena: Arena

    def slots(self, sequence: Sequence, stop: int) -> Slots:
        """Where positions 0 … stop-1 lie; raises InvariantError beyond what the sequence holds."""
        ...

    def slot(self, sequence: Sequence, position: int) -> int:
        """Where one position lies."""
        ...


class ExtentMemory:
    """A reservation is the slice of the arena that starts at the sequence's address."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena

    def hold(self, sequence: Sequence) -> None:
        """The address says it all."""

    def free(self, sequence: Sequence) -> None:
        """Nothing there may be read again."""
        self.arena.poison(slice(sequence.address, sequence.address + sequence.reservation))

    def relocate(self, moves: list[Relocation]) -> None:
        """Move what is written."""
        for move in moves:
            if move.tokens:
                self.arena.relocate(move.source, move.target, move.tokens)

    def slots(self, sequence: Sequence, stop: int) -> Slots:
        """A slice."""
        if stop > sequence.reservation:
            raise InvariantError(f"{sequence} reaches for slot {stop} of a reservation of {sequence.reservation}")
        return slice(sequence.address, sequence.address + stop)

    def slot(self, sequence: Sequence, position: int) -> int:
        """By its distance from the address."""
        return sequence.address + position

    def written(self) -> int:
        """By the arena."""
        return self.arena.written()

    @property
    def kv_bytes(self) -> int:
        """The arena."""
        return int(self.arena.kv.nbytes)


class BlockMemory:
    """Blocks of slots, taken when they are first needed; the account, which only counts them, sees to it that some are.

    With blocks of one slot it serves accounts of single slots too.
    """

    def __init__(self, arena: Arena, block_tokens: int) -> None:
        self.arena = arena
        self._block = block_tokens
        self._free = list(range(arena.slots // block_tokens - 1, -1, -1))  # the lowest is taken first
        self._tables: dict[Sequence, list[int]] = {}
        self._places = torch.arange(arena.slots, device=arena.kv.device)  # slot numbers, to take rows from
        self._indices: dict[Sequence, torch.Tensor] = {}  # the tables as slots

    def hold(self, sequence: Sequence) -> None:
        """A table without blocks yet."""
        self._tables[sequence] = []
        self._indices[sequence] = self._places[:0]

    def free(self, sequence: Sequence) -> None:
        """Return the blocks, which nobody may read again."""
        self.arena.poison(self._indices.pop(sequence))
        self._free += self._tables.pop(sequence)

    def relocate(self, moves: list[Relocation]) -> None:
        """Blocks never move; raises InvariantError."""
        raise InvariantError(f"blocks were asked to move: {moves}")

    def slots(self, sequence: Sequence, stop: int) -> Slots:
        """A tensor of slot numbers; takes the blocks that are missing."""
        table = self._tables[sequence]
        missing = -(-stop // self._block) - len(table)
        if missing > 0:
            self._take(sequence, missing)
        return self._indices[sequence][:stop]

    def slot(self, sequence: Sequence, position: int) -> int:
        """By the table."""
        block, offset = divmod(position, self._block)
        return self._tables[sequence][block] * self._block + offset

    def written(self) -> int:
        """By the arena."""
        return self.arena.written()

    @property
    def kv_bytes(self) -> int:
        """The arena."""
        return int(self.arena.kv.nbytes)

    def _take(self, sequence: Sequence, count: int) -> None:
        if count > len(self._free):
            raise InvariantError(f"{sequence} needs {count} blocks, {len(self._free)} are free: the account is wrong")
        taken = [self._free.pop() for _ in range(count)]
        self._tables[sequence] += taken
        rows = [self._places[number * self._block : (number + 1) * self._block] for number in taken]
        self._indices[sequence] = torch.cat([self._indices[sequence], *rows])
