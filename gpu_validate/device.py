"""The device: every call that differs between CUDA and the CPU stands here, and nowhere else."""

import os
import platform
import resource
from collections.abc import Callable
from time import perf_counter, thread_time
from typing import Any

import torch
from torch import Tensor

from gpu_validate.smi import nvidia_smi
from gpu_validate.surface import Copy, Device, Elapsed, Mark, MemoryReading, Replay
from s3sim.core.errors import InputError

__all__ = ["Cpu", "Cuda", "find_device"]

MS_PER_S = 1e3  # CUDA's events count milliseconds
GRAPH_WARM_UP = 3  # runs before a capture, as in PyTorch's notes: libraries make their workspaces in them


class Cpu:
    """The processor, by one thread: copies are made at once, beside the clock of the steps."""

    name = "cpu"
    where = torch.device("cpu")
    graphs = False

    def mark(self) -> Mark:
        """Now."""
        return Mark(thread_time(), perf_counter())

    def since(self, mark: Mark) -> Elapsed:
        """The device's time is this thread's."""
        cpu_s = thread_time() - mark.cpu_s
        return Elapsed(cpu_s, cpu_s, perf_counter() - mark.wall_s)

    def host_buffer(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Memory like any other."""
        return torch.empty(shape, dtype=dtype)

    def copy(self, work: Callable[[], None]) -> Copy:
        """Done when this returns."""
        mark = self.mark()
        work()
        seconds = self.since(mark).device_s
        return Copy(lambda: True, lambda: seconds)

    def captured(self, work: Callable[[], None]) -> Callable[[], None]:
        """The work itself: a processor has no launches to spare."""
        return work

    def release(self) -> None:
        """Memory goes back by itself."""

    def memory(self) -> MemoryReading:
        """Of the machine, and the most that this process has had resident."""
        page = os.sysconf("SC_PAGE_SIZE")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # KiB on Linux
        return MemoryReading(os.sysconf("SC_PHYS_PAGES") * page, os.sysconf("SC_AVPHYS_PAGES") * page, peak)

    def about(self) -> dict[str, str]:
        """Processor, and torch's threads."""
        return {"name": platform.processor() or platform.machine(), "threads": str(torch.get_num_threads())}


class Cuda:
    """One CUDA device; `cuda` and `empty` are torch's, or a test's own."""

    name = "cuda"
    where = torch.device("cuda")
    graphs = True

    def __init__(self, cuda: Any = torch.cuda, empty: Callable[..., Tensor] = torch.empty) -> None:
        self._cuda, self._empty = cuda, empty
        self._stream = cuda.Stream()

    def mark(self) -> Mark:
        """An event on the current stream."""
        return Mark(thread_time(), perf_counter(), self._event())

    def since(self, mark: Mark) -> Elapsed:
        """Waits for the current stream."""
        end = self._event()
        end.synchronize()
        device_s = mark.event.elapsed_time(end) / MS_PER_S
        return Elapsed(device_s, thread_time() - mark.cpu_s, perf_counter() - mark.wall_s)

    def host_buffer(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Pinned, so that a copy need not wait for the processor."""
        return self._empty(shape, dtype=dtype, pin_memory=True)

    def copy(self, work: Callable[[], None]) -> Copy:
        """On a stream of its own, which first waits for the computation."""
        self._stream.wait_stream(self._cuda.current_stream())
        with self._cuda.stream(self._stream):
            begin = self._event()
            work()
            end = self._event()

        def seconds() -> float:
            end.synchronize()
            return float(begin.elapsed_time(end)) / MS_PER_S

        return Copy(end.query, seconds)

    def captured(self, work: Callable[[], None]) -> Callable[[], None]:
        """A CUDA graph, captured after a warm-up on a side stream, as PyTorch's notes on CUDA graphs ask for."""
        side = self._cuda.Stream()
        side.wait_stream(self._cuda.current_stream())
        with self._cuda.stream(side):
            for _ in range(GRAPH_WARM_UP):
                work()
        self._cuda.current_stream().wait_stream(side)
        graph = self._cuda.CUDAGraph()
        with self._cuda.graph(graph):
            work()
        return Replay(graph.replay, work)

    def release(self) -> None:
        """The allocator's cache, once the stream is done."""
        self._cuda.synchronize()
        self._cuda.empty_cache()

    def memory(self) -> MemoryReading:
        """By the driver, and by torch's allocator."""
        free, total = self._cuda.mem_get_info()
        return MemoryReading(total, free, self._cuda.max_memory_allocated())

    def about(self) -> dict[str, str]:
        """The device's name, CUDA's version, and what nvidia-smi says where there is one."""
        return {"name": str(self._cuda.get_device_name()), "cuda": str(torch.version.cuda)} | nvidia_smi()

    def _event(self) -> Any:
        event = self._cuda.Event(enable_timing=True)
        event.record()
        return event


def find_device(name: str) -> Device:
    """The device of that name, cpu or cuda; raises InputError where there is none."""
    if name == "cpu":
        return Cpu()
    if name != "cuda":
        raise InputError(f"--device {name}: unknown; give cpu or cuda")
    if not torch.cuda.is_available():
        raise InputError("--device cuda: torch sees no CUDA device here; use --device cpu, or a machine that has one")
    return Cuda()
