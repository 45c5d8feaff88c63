"""A bench: steps of chosen sizes on the device, timed again and again, without any scheduler."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch

from gpu_validate.arena import Arena
from gpu_validate.canary import Canary
from gpu_validate.executor import Forward
from gpu_validate.grid import BLOCK_TOKENS, Grid
from gpu_validate.memory import BlockMemory, ExtentMemory
from gpu_validate.model import LoadedModel
from gpu_validate.packed import Packed
from gpu_validate.padded import Padded
from gpu_validate.pieces import Piece, Row
from gpu_validate.plan import Mode
from gpu_validate.samples import Sample
from gpu_validate.texts import Texts
from s3sim.core.request import Request, Sequence

__all__ = ["Bench", "Timed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One point of the grid, and the times of its repeats in seconds, by the canary where there is one."""

    point: Sample
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle repeat."""
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """(Most - least) / median."""
        return (max(self.seconds) - min(self.seconds)) / self.median


class Bench:
    """An arena whose slots are all written, and forward passes over rows of any context in it."""

    def __init__(self, model: LoadedModel, grid: Grid, *, mode: Mode, blocks: bool, canary: Canary | None) -> None:
        self._model, self._canary, self._slots = model, canary, grid.slots()
        self._arena = Arena.of(model, self._slots)
        self._blocks = blocks
        self._mode = mode
        self._texts = Texts(vocab=model.vocab, seed=0)

    def step(self, point: Sample) -> Callable[[], float]:
        """A step of that size, to be run as often as wanted; each answers its seconds."""
        memory = BlockMemory(self._arena, BLOCK_TOKENS) if self._blocks else ExtentMemory(self._arena)
        forward: Forward = Packed(self._model, memory) if self._mode == "packed" else Padded(self._model, memory)
        place, decodes, chunks = 0, list[Piece](), list[Piece]()
        for number in range(point.rows + point.chunks):
            decoding = number < point.rows
            context = point.slots // point.rows if decoding else 0
            new = 1 if decoding else point.prefill_tokens // point.chunks
            piece = Piece(self._row(number, context, new, place), new, emits=True)
            memory.hold(piece.sequence)
            (decodes if decoding else chunks).append(piece)
            place += context + new

        def run() -> float:
            mark = self._model.device.mark()
            with torch.inference_mode():
                forward.logits(decodes, chunks, None).argmax(-1).tolist()
            return self._corrected(self._model.device.since(mark).device_s)

        return run

    def relocation(self, slots: int) -> Callable[[], float]:
        """A copy within the device."""

        def run() -> float:
            mark = self._model.device.mark()
            self._arena.relocate(slots, 0, slots)
            return self._corrected(self._model.device.since(mark).device_s)

        return run

    def swap(self, slots: int, *, to_host: bool) -> Callable[[], float]:
        """A copy over the host link."""
        kv, device = self._arena.kv, self._model.device
        host = device.host_buffer((*kv.shape[:2], slots, *kv.shape[3:]), kv.dtype).zero_()

        def work() -> None:
            if to_host:
                host.copy_(kv[:, :, :slots], non_blocking=True)
            else:
                kv[:, :, :slots].copy_(host, non_blocking=True)

        return lambda: self._corrected(device.copy(work).seconds())

    def allocation(self, slots: int) -> Callable[[], float]:
        """Making a KV tensor of so many slots, and writing zeros into it."""
        shape = (*self._arena.kv.shape[:2], slots, *self._arena.kv.shape[3:])

        def run() -> float:
            mark = self._model.device.mark()
            torch.zeros(shape, dtype=self._model.dtype, device=self._model.device.where)
            return self._corrected(self._model.device.since(mark).device_s)

        return run

    def _row(self, number: int, context: int, new: int, place: int) -> Row:
        sequence = Sequence(Request(number, 0, context + new, 1), None, number)
        sequence.address, sequence.reservation = place, context + new
        return Row(sequence, self._texts.prompt(number, context + new), context + new, cached=context)

    def _corrected(self, seconds: float) -> float:
        if self._canary is None:
            return seconds
        self._canary.sing()
        return seconds / self._canary.slowdown
