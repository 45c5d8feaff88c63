"""Measuring the cases one after another, within a budget of time; a fault of one is recorded and the next begins."""

import gc
from collections.abc import Callable, Mapping
from itertools import groupby
from time import monotonic
from typing import TypeVar

import torch

from gpu_validate.faults import is_shortage
from gpu_validate.progress import say
from gpu_validate.steps.cases import Case
from gpu_validate.steps.network import Decode, Network, Prefill, draw_network
from gpu_validate.steps.record import Finding, MemoryFound, Record
from gpu_validate.surface import Device
from s3sim.hardware.model import ModelSpec

__all__ = ["Budget", "Measuring", "sample_of"]

Answer = TypeVar("Answer")

MS_PER_S = 1e3
GB = 1e9
WARM_UP = 2  # runs before the first repeat, beside those of a capture
HEADROOM_BYTES = 256 * 2**20  # for workspaces of libraries; rule of thumb
COPIES_OF_ACTIVATIONS = 3  # a step's own, its graph's, and what the allocator cannot reuse; rule of thumb


class Budget:
    """Seconds that the whole run may take, from now on."""

    def __init__(self, seconds: float, now: Callable[[], float] = monotonic) -> None:
        self.seconds, self._now = seconds, now
        self._begun = now()

    @property
    def spent_s(self) -> float:
        """Since the beginning."""
        return self._now() - self._begun

    @property
    def is_over(self) -> bool:
        """Whether nothing more may begin."""
        return self.spent_s >= self.seconds


class Measuring:
    """Goes through a record's findings in order; `keep` is called after each, to write what there is."""

    def __init__(
        self,
        record: Record,
        device: Device,
        models: Mapping[str, ModelSpec],
        *,
        dtype: torch.dtype,
        repeats: int,
        steps: int,
        budget: Budget,
        keep: Callable[[], None],
    ) -> None:
        self._record, self._device, self._models, self._dtype = record, device, models, dtype
        self._repeats, self._steps, self._budget, self._keep = repeats, steps, budget, keep

    def run(self) -> None:
        """Measure what time permits."""
        with torch.inference_mode():
            for name, findings in groupby(self._record.findings, key=lambda finding: finding.case.model):
                self._model(name, list(findings))

    def _model(self, name: str, findings: list[Finding]) -> None:
        """Cases of one model, which makes room for the next; of the link where there is no name."""
        network = None
        if name and not self._budget.is_over:
            faulty = Finding(case=findings[0].case, foretold_s=None)
            network = self._guarded(faulty, lambda: self._drawn(name))
            if network is None:
                for finding in findings:
                    finding.status, finding.why = faulty.status, f"the weights: {faulty.why}"
        for finding in findings:
            if finding.status == "not reached" and not self._budget.is_over:
                self._case(finding, network)
                self._keep()
        del network
        self._guarded(findings[-1], self._device.release)

    def _drawn(self, name: str) -> Network:
        network = draw_network(self._models[name], device=self._device, dtype=self._dtype)
        self._device.release()
        reading = self._device.memory()
        found = self._record.memory[name] = MemoryFound(
            total_bytes=reading.total,
            free_bytes=reading.free,
            weight_bytes=sum(tensor.nbytes for tensor in network.tensors),
            kv_bytes_per_token=network.kv_bytes_per_token,
        )
        say(f"{name}: {found.weight_bytes / GB:.2f} GB of weights; {found.kv_slots} KV slots fit into what is free")
        return network

    def _case(self, finding: Finding, network: Network | None) -> None:
        self._guarded(finding, lambda: self._measured(finding, network))
        self._guarded(finding, self._device.release)  # a device that is lost says so here too
        say(f"{self._budget.spent_s:5.0f} s  {_told(finding)}")

    def _lack(self, case: Case, network: Network | None) -> str:
        """What is missing for the case; an empty text where it fits."""
        wanted, free = bytes_of(case, network) + HEADROOM_BYTES, self._device.memory().free
        return f"needs {wanted / GB:.2f} GB, {free / GB:.2f} GB are free" if wanted > free else ""

    def _measured(self, finding: Finding, network: Network | None) -> None:
        if short := self._lack(finding.case, network):
            finding.status, finding.why = "does not fit", short
            return
        sample = sample_of(finding.case, network, self._device, self._steps)
        for _ in range(WARM_UP):
            sample()
        while len(finding.seconds) < self._repeats and not (finding.seconds and self._budget.is_over):
            finding.seconds.append(sample())
            finding.status = "cut short"  # unless there are more
        if len(finding.seconds) == self._repeats:
            finding.status = "measured"

    def _guarded(self, finding: Finding, work: Callable[[], Answer]) -> Answer | None:
        """The work's answer; None where torch fails, which is then the finding."""
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            finding.status = "out of memory" if is_shortage(error) else "failed"
            finding.why = (str(error).splitlines() or [type(error).__name__])[0]
        gc.collect()  # frames of the error may hold tensors in a cycle
        return None


def sample_of(case: Case, network: Network | None, device: Device, steps: int) -> Callable[[], float]:
    """The case made ready; each call runs it, a decode step `steps` times in a row, and answers the seconds of one."""
    if network is None:
        return _over_the_link(case, device)
    work = _work(case, network)
    run = device.captured(work) if case.launch == "graph" else work
    times = steps if case.kind == "decode" else 1

    def sample() -> float:
        mark = device.mark()
        for _ in range(times):
            run()
        return device.since(mark).device_s / times

    return sample


def bytes_of(case: Case, network: Network | None) -> int:
    """Device memory that a case needs beside the weights."""
    if network is None:
        return case.size
    if case.kind == "relocation":
        return 2 * case.size * network.kv_bytes_per_token
    spec, decoding = network.spec, case.kind == "decode"
    slots, tokens, emitted = (case.rows * case.width, case.rows, case.rows) if decoding else (case.size, case.size, 1)
    numbers = tokens * (2 * spec.ffn + 8 * spec.hidden) + emitted * spec.vocab
    return slots * network.kv_bytes_per_token + COPIES_OF_ACTIVATIONS * numbers * int(network.embedding.element_size())


def _work(case: Case, network: Network) -> Callable[[], None]:
    if case.kind == "decode":
        return Decode(network, case.contexts, case.width)
    if case.kind == "prefill":
        return Prefill(network, case.size)
    arena = network.arena(1, 2 * case.size)

    def move() -> None:
        arena[..., : case.size, :] = arena[..., case.size :, :]

    return move


def _over_the_link(case: Case, device: Device) -> Callable[[], float]:
    there = torch.zeros(case.size, dtype=torch.uint8, device=device.where)
    here = device.host_buffer((case.size,), torch.uint8).zero_()
    target, source = (here, there) if case.kind == "to_host" else (there, here)
    return lambda: device.copy(lambda: target.copy_(source, non_blocking=True)).seconds()


def _told(finding: Finding) -> str:
    """A line on what came of a case."""
    case, times = finding.case, finding.seconds
    if not times:
        return f"{case.told}: {finding.status}: {finding.why}"
    least, most = min(times) * MS_PER_S, max(times) * MS_PER_S
    foretold = f"; foretold {finding.foretold_s * MS_PER_S:.3f} ms" if finding.foretold_s else ""
    short = f" ({finding.status}{': ' if finding.why else ''}{finding.why})" if finding.status != "measured" else ""
    return f"{case.told}: {finding.median * MS_PER_S:.3f} ms ({least:.3f}-{most:.3f}, n {len(times)}){foretold}{short}"
