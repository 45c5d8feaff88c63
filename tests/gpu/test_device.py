"""The device module: what it asks of CUDA, seen by a fake that writes everything down, and of the processor."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import ref

import pytest
import torch

from gpu_validate.device import Cpu, Cuda, find_device
from gpu_validate.faults import memory_faults
from s3sim.core.errors import InputError


class FakeCuda:
    """Stands for torch.cuda: time passes by one ms an event, and all that is asked is in `said`."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.stream_now = "compute"
        self.events = self.streams = 0

    def Stream(self) -> "FakeStream":  # noqa: N802 - torch's name
        """The first is for copies, a later one on the side."""
        self.streams += 1
        return FakeStream(self, "copies" if self.streams == 1 else "side")

    def Event(self, *, enable_timing: bool) -> "FakeEvent":  # noqa: N802
        """An event, which must be one that measures."""
        assert enable_timing
        self.events += 1
        return FakeEvent(self, self.events)

    def current_stream(self) -> "FakeStream":
        """The one that is current."""
        return FakeStream(self, self.stream_now)

    @contextmanager
    def stream(self, stream: "FakeStream") -> Iterator[None]:
        """Make it the current one."""
        before, self.stream_now = self.stream_now, stream.name
        yield
        self.stream_now = before

    def CUDAGraph(self) -> "FakeGraph":  # noqa: N802
        """A graph that is empty yet."""
        return FakeGraph(self)

    @contextmanager
    def graph(self, graph: "FakeGraph") -> Iterator[None]:
        """Whatever is said within is captured, and not done."""
        own, self.said = self.said, []
        yield
        graph.held, self.said = self.said, own

    def synchronize(self) -> None:
        """Written down."""
        self.said.append("wait for all")

    def empty_cache(self) -> None:
        """Written down."""
        self.said.append("empty the cache")

    def mem_get_info(self) -> tuple[int, int]:
        """Free and total bytes."""
        return 60, 80

    def max_memory_allocated(self) -> int:
        """The allocator's peak."""
        return 33

    def get_device_name(self) -> str:
        """A name."""
        return "Fake H200"


class FakeStream:
    """A stream that is told to wait."""

    def __init__(self, cuda: FakeCuda, name: str) -> None:
        self._cuda, self.name = cuda, name

    def wait_stream(self, other: "FakeStream") -> None:
        """Written down."""
        self._cuda.said.append(f"{self.name} wait for {other.name}")


class FakeGraph:
    """What was said while it was captured, to be said again."""

    def __init__(self, cuda: FakeCuda) -> None:
        self._cuda = cuda
        self.held: list[str] = []

    def replay(self) -> None:
        """Say it."""
        self._cuda.said += self.held


class FakeEvent:
    """An event with a number, which is its time in ms."""

    def __init__(self, cuda: FakeCuda, number: int) -> None:
        self._cuda, self.number = cuda, number

    def record(self) -> None:
        """Written down, with the stream."""
        self._cuda.said.append(f"event {self.number} on {self._cuda.stream_now}")

    def synchronize(self) -> None:
        """Written down."""
        self._cuda.said.append(f"wait for event {self.number}")

    def query(self) -> bool:
        """Never done by itself."""
        return False

    def elapsed_time(self, other: "FakeEvent") -> float:
        """Milliseconds."""
        return float(other.number - self.number)


def test_a_step_is_timed_between_two_events_and_waited_for() -> None:
    """`since` records an event on the current stream, waits for it, and answers seconds."""
    fake = FakeCuda()
    device = Cuda(fake)
    elapsed = device.since(device.mark())
    assert fake.said == ["event 1 on compute", "event 2 on compute", "wait for event 2"]
    assert elapsed.device_s == pytest.approx(1e-3)
    assert elapsed.wall_s > 0


def test_a_copy_runs_on_its_own_stream_after_the_computation() -> None:
    """The copy stream first waits for the compute stream; looking does not wait, asking the time does."""
    fake = FakeCuda()
    copy = Cuda(fake).copy(lambda: fake.said.append(f"copy on {fake.stream_now}"))
    assert fake.said == ["copies wait for compute", "event 1 on copies", "copy on copies", "event 2 on copies"]
    assert fake.stream_now == "compute"
    assert not copy.done()
    assert fake.said[-1] == "event 2 on copies"
    assert copy.seconds() == pytest.approx(1e-3)
    assert fake.said[-1] == "wait for event 2"


def test_a_graph_is_captured_after_a_warm_up_on_a_side_stream() -> None:
    """The side stream waits for the computation, which waits for it; capture does nothing, a replay runs it once."""
    fake = FakeCuda()
    run = Cuda(fake).captured(lambda: fake.said.append(f"work on {fake.stream_now}"))
    assert fake.said == ["side wait for compute", *["work on side"] * 3, "compute wait for side"]
    fake.said.clear()
    run()
    assert fake.said == ["work on compute"]


def test_a_graph_keeps_what_it_works_on() -> None:
    """Tensors that the work holds live as long as the replay: the graph itself knows addresses alone."""

    class Work:
        def __call__(self) -> None:
            """Nothing."""

    work = Work()
    alive, run = ref(work), Cuda(FakeCuda()).captured(work)
    del work
    assert alive() is not None
    del run
    assert alive() is None


def test_memory_is_given_back_when_all_is_done() -> None:
    """CUDA waits, then empties the allocator's cache; the processor captures nothing and has nothing to give."""
    fake, done = FakeCuda(), list[int]()
    Cuda(fake).release()
    assert fake.said == ["wait for all", "empty the cache"]
    Cpu().release()
    Cpu().captured(lambda: done.append(1))()
    assert done == [1]
    assert (Cuda(FakeCuda()).graphs, Cpu().graphs) == (True, False)


def test_host_buffers_of_cuda_are_pinned() -> None:
    """A copy from pageable memory would wait for the processor."""
    asked: dict[str, Any] = {}

    def empty(shape: tuple[int, ...], **rest: Any) -> torch.Tensor:
        asked.update(rest)
        return torch.zeros(shape)

    Cuda(FakeCuda(), empty).host_buffer((2, 3), torch.float16)
    assert asked == {"dtype": torch.float16, "pin_memory": True}


def test_memory_readings_and_names() -> None:
    """Readings keep total, free and peak apart; a machine without nvidia-smi still says its name."""
    device = Cuda(FakeCuda())
    assert device.memory() == (80, 60, 33)
    assert device.about()["name"] == "Fake H200"
    cpu = Cpu().memory()
    assert 0 < cpu.free < cpu.total
    assert 0 < cpu.peak < cpu.total


def test_nvidia_smi_is_asked_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Its fields are named; one that fails or hangs costs the fields, not the run."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '550.1, 1980 MHz, 2619 MHz, 700.00 W, 31'\n")
    tool.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(tool))
    about = Cuda(FakeCuda()).about()
    assert about["driver_version"] == "550.1"
    assert about["temperature.gpu"] == "31"
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert "driver_version" not in Cuda(FakeCuda()).about()


def test_the_cpu_copies_at_once_and_times_its_thread() -> None:
    """A copy is done when it returns, and has a time."""
    done: list[int] = []
    copy = Cpu().copy(lambda: done.append(sum(range(10_000))))
    assert done
    assert copy.done()
    assert copy.seconds() > 0
    mark = Cpu().mark()
    sum(range(10_000))
    elapsed = Cpu().since(mark)
    assert elapsed.device_s == elapsed.cpu_s > 0


def test_a_device_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU, and an unknown name, are input errors with a remedy."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="sees no CUDA device"):
        find_device("cuda")
    with pytest.raises(InputError, match="give cpu or cuda"):
        find_device("tpu")
    assert find_device("cpu").name == "cpu"


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried ..."),
        MemoryError(),
    ],
)
def test_too_little_memory_is_an_input_error(error: Exception) -> None:
    """Whoever ran out of memory, the message says for what, and what to do."""
    with pytest.raises(InputError, match=r"out of memory for the weights.*--model-size"), memory_faults("the weights"):
        raise error


def test_other_errors_pass_through() -> None:
    """A bug is not disguised as a lack of memory."""
    with pytest.raises(RuntimeError, match="shapes"), memory_faults("the weights"):
        raise RuntimeError("shapes do not match")
