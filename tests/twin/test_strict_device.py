"""The strict device is strict: each fault that it is there to notice is noticed."""

from collections.abc import Callable

import pytest

from s3sim.core.batch import Batch, Chunk
from s3sim.core.request import Request, Sequence
from tests.support.strict_device import StrictDevice
from tests.support.strict_memory import ContiguousMemory, Memory, PagedMemory
from tests.support.worlds import Row, world

A, B = 1, 2  # request ids


def contiguous() -> ContiguousMemory:
    """Sixteen slots; A holds the first six and has written four."""
    memory = ContiguousMemory(16)
    memory.hold(A, 0, 6)
    memory.write(A, 0, 4)
    return memory


def paged() -> PagedMemory:
    """Four blocks of four; A holds two and has written them."""
    memory = PagedMemory(16, 4)
    memory.hold(A, 0, 8)
    memory.write(A, 0, 8)
    return memory


FAULTS: dict[str, tuple[Callable[[], Memory], Callable[[Memory], object]]] = {
    "overlap": (contiguous, lambda memory: memory.hold(B, 5, 3)),
    "beyond the end": (contiguous, lambda memory: memory.hold(B, 14, 3)),
    "two extents": (contiguous, lambda memory: memory.hold(A, 8, 3)),
    "write beyond the reservation": (contiguous, lambda memory: memory.write(A, 6, 7)),
    "read what was not written": (contiguous, lambda memory: memory.check(A, 5)),
    "move from elsewhere": (contiguous, lambda memory: memory.relocate(A, source=1, target=8, tokens=4)),
    "move what was not written": (contiguous, lambda memory: memory.relocate(A, source=0, target=8, tokens=5)),
    "too many blocks": (paged, lambda memory: memory.hold(B, 0, 9)),
    "read beyond the blocks": (paged, lambda memory: memory.check(A, 9)),
    "move a block": (paged, lambda memory: memory.relocate(A, source=0, target=8, tokens=4)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_strict_memory_refuses(fault: str) -> None:
    """What is not reserved is not written, what is not written is not read, and nobody shares a slot."""
    memory, act = FAULTS[fault]
    with pytest.raises(AssertionError):
        act(memory())


def test_a_strict_memory_notices_a_slot_that_was_written_over() -> None:
    """A freed extent may be written over, and whoever still reads it is caught."""
    memory = contiguous()
    memory.free(A)
    memory.hold(B, 2, 6)
    memory.write(B, 0, 1)
    memory.free(B)
    memory.hold(A, 0, 6)
    memory.check(A, 2)
    with pytest.raises(AssertionError, match="reads what it did not write"):
        memory.check(A, 3)


def _batch(sequence: Sequence, tokens: int, *, joined: bool = False) -> Batch:
    chunk = Chunk(sequence, tokens, 0, last=True)
    attended = tokens * (tokens + 1) // 2
    batch = Batch(0, [chunk], [sequence] if joined else [], [], [], int(joined), 0, tokens, attended)
    assert batch.new_tokens == tokens + int(joined)
    return batch


def _device(*, output: int) -> tuple[StrictDevice, Sequence]:
    one = world("orca", [Row(prompt=3, output=output, max_new=4)], capacity=16)
    sequence = Sequence(Request(1, 0, 3, 4), None, 0)
    sequence.reservation = 7
    return StrictDevice(one), sequence


def test_a_strict_device_counts_tokens_itself() -> None:
    """A chunk that claims to be the last but is not, or a row that decodes before its prefill, is refused."""
    device, sequence = _device(output=2)
    with pytest.raises(AssertionError):
        device.begin(_batch(sequence, 2), [])
    device, sequence = _device(output=2)
    with pytest.raises(AssertionError):
        device.begin(_batch(sequence, 3, joined=True), [])


@pytest.mark.parametrize("output", [1, 2])
def test_a_strict_device_ends_sequences_by_the_trace(output: int) -> None:
    """A sequence ends in the step that emits its last token, and in no other."""
    device, sequence = _device(output=output)
    device.begin(_batch(sequence, 3), [])
    assert device.end() == ([sequence] if output == 1 else [])
