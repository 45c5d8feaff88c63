"""Faults of the machine as messages: too little memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from s3sim.core.errors import InputError

__all__ = ["is_shortage", "memory_faults"]

WORDS = ("out of memory", "allocate memory", "not enough memory")  # in torch's messages


@contextmanager
def memory_faults(what: str) -> Iterator[None]:
    """Say in one sentence that memory did not suffice for `what`, as an InputError."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
        reason = (str(error).splitlines() or ["no more was said"])[0]
        raise InputError(
            f"out of memory for {what}: {reason}; choose a smaller --model-size, lower memory.kv_capacity_tokens,"
            " or use a larger device"
        ) from None


def is_shortage(error: Exception) -> bool:
    """Whether an error says that memory, of the device or of the host, did not suffice."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(word in str(error).lower() for word in WORDS)
