"""The work of `gpu-validate steps`: foretell, measure, and write page, samples and profiles."""

import argparse
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from gpu_validate.device import find_device
from gpu_validate.environment import environment_of, slug
from gpu_validate.model import dtype_of
from gpu_validate.plan import Plan
from gpu_validate.progress import say
from gpu_validate.shapes import OWN_SIZE, sized
from gpu_validate.steps.cases import FULL, QUICK, Grid, cases_of
from gpu_validate.steps.forecast import PAPER_DEVICE, Ratio, case_seconds, preset_of, ratios
from gpu_validate.steps.measuring import Budget, Measuring
from gpu_validate.steps.page import page_text
from gpu_validate.steps.record import Finding, Record
from gpu_validate.surface import Device
from s3sim.core.errors import InputError, SystemFaultError
from s3sim.hardware import presets
from s3sim.hardware.model import ModelSpec

__all__ = ["measure_steps"]


def measure_steps(given: argparse.Namespace) -> None:
    """Do what the command was asked; raises InputError, and SystemFaultError where a case failed."""
    budget, grid = _budget(given), QUICK if given.quick else FULL
    device = find_device(given.device)
    if given.device == "cpu":
        torch.set_num_threads(1)  # the clock is one thread's
    record, models = _record(given, grid, device)
    if record.data.exists():
        raise InputError(f"--out {record.folder}: holds {record.data.name} of another run; give another folder")

    def keep() -> None:
        record.spent_s = budget.spent_s
        record.write(page_text(record, record.write_profiles()))

    keep()  # what is foretold stands there before anything is measured
    measuring = Measuring(
        record,
        device,
        models,
        dtype=dtype_of(record.settings["dtype"]),
        repeats=record.settings["repeats"],
        steps=grid.steps,
        budget=budget,
        keep=keep,
    )
    with _terminations_interrupt():
        _measure(record, measuring, keep)
    say(f"{record.state}; wrote {record.page} and {record.data}")
    if failed := [finding for finding in record.findings if finding.status == "failed"]:
        raise SystemFaultError(f"{len(failed)} cases failed, the first with: {failed[0].why}; {record.page} has all")


def _measure(record: Record, measuring: Measuring, keep: Callable[[], None]) -> None:
    record.state = "interrupted"  # unless it ends in another way
    try:
        measuring.run()
        record.state = "finished" if record.is_whole else "out of time"
    finally:
        keep()


def _budget(given: argparse.Namespace) -> Budget:
    if not 0 <= given.budget_s < math.inf:
        raise InputError(f"--budget-s {given.budget_s:g}: give a number of seconds from 0 up")
    if given.repeats is not None and given.repeats < 1:
        raise InputError(f"--repeats {given.repeats}: give at least 1")
    return Budget(given.budget_s)


def _record(given: argparse.Namespace, grid: Grid, device: Device) -> tuple[Record, dict[str, ModelSpec]]:
    cuda = given.device == "cuda"
    size = given.model_size or (OWN_SIZE if cuda else "tiny")
    dtype = given.dtype or ("fp16" if cuda else "fp32")
    environment = environment_of(Plan(device=given.device, dtype=dtype, clock="device"))
    preset = given.preset or (preset_of(environment["machine_name"]) if cuda else None)
    names = list(dict.fromkeys(given.models))
    models = {name: sized(presets.model(name), size) for name in names}
    about = presets.device(preset) if preset else None
    findings = [
        Finding(case=case, foretold_s=case_seconds(case, models.get(case.model), about) if about else None)
        for case in cases_of(names, grid, graphs=device.graphs)
    ]
    foretold = [*_foretold({name: presets.model(name) for name in names}, PAPER_DEVICE)]
    if preset and (preset, size) != (PAPER_DEVICE, OWN_SIZE):
        foretold += _foretold(models, preset)
    name = slug(environment["machine_name"]) if cuda else "cpu"
    return Record(
        folder=given.out or Path("results") / f"steps-{name}",
        name=name,
        environment=environment,
        settings={
            "size": size,
            "dtype": dtype,
            "repeats": given.repeats or grid.repeats,
            "steps": grid.steps,
            "budget_s": given.budget_s,
        },
        preset=preset,
        ratios=tuple(foretold),
        findings=findings,
    ), models


def _foretold(models: dict[str, ModelSpec], device: str) -> Iterator[Ratio]:
    for model in models.values():
        yield from ratios(model, device)


@contextmanager
def _terminations_interrupt() -> Iterator[None]:
    """SIGTERM, of `timeout` say, is taken for Ctrl-C, so that what there is gets written."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
