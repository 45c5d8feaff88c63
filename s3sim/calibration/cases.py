"""From a row to the case that it measured: model, device, engine and batch, or the reason why there is none."""

import re
from dataclasses import dataclass
from typing import Final

from s3sim.calibration.names import Family, find_device, find_family, find_model, in_formats
from s3sim.calibration.rows import UNITS, Row
from s3sim.calibration.skips import Reason, Skip
from s3sim.core.errors import InputError
from s3sim.hardware import DeviceSpec, ModelSpec, Parallel

__all__ = ["Case", "case_of"]

_BEAMS = re.compile(
    r"(?<!no )(?<!without )beam[ _-]?search|\bbeams?[ _-]?(?:width)?\s*=?\s*(?:[2-9]|1\d)", re.IGNORECASE
)
_INCOMPARABLE = re.compile(r"pipeline (?:over|stages?|parallel)|layer split|\btarget in\b|offload", re.IGNORECASE)
_ALWAYS_ONE_OUTPUT: Final = frozenset({"first_token_latency", "first_token_latency_min"})
# FasterTransformer's guide has tables of two kinds, and these models' count one decode step more: their rows of one
# sequence (128 + 8 and 512 + 32 tokens) solve to 1.3 steps beyond output − 1, GPT-20B's to none (docs/fidelity.md).
_ONE_STEP_MORE: Final = ("gpt-350m", "gpt-1.3b", "gpt-6.7b", "gpt-89b", "gpt-175b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one row measured: so many prompts of one length, so many tokens each, on one replica."""

    row: Row
    family: Family
    model: ModelSpec
    device: DeviceSpec
    parallel: Parallel
    batch: int  # sequences at one time; 1 where the metric has none
    prompt: int  # tokens
    output: int  # tokens; 1 for a prefill alone
    decode_steps: int  # of a static batch, after the prefill

    @property
    def shape(self) -> tuple[object, ...]:
        """What makes two models the same to the latency model, whatever they are called."""
        model = self.model
        return (model.layers, model.hidden, model.heads, model.kv_heads, model.head_dim, model.ffn, model.gated_ffn)


def case_of(row: Row) -> Case | Skip:
    """The case of a row, or why it is not foretold: the first reason that applies, in the order of this function."""
    metric = row.metric
    if _BEAMS.search(row.note):
        return Skip(row=row, reason=Reason.BEAM_SEARCH, detail="note names beam search")
    if metric not in UNITS:
        return Skip(row=row, reason=Reason.UNKNOWN_METRIC, detail=f"{metric!r}; known: {', '.join(UNITS)}")
    if _INCOMPARABLE.search(f"{row.note} {row.version}"):
        return Skip(row=row, reason=Reason.NOT_COMPARABLE, detail="not a measured run of one tensor-parallel replica")
    found = _parts(row)
    if isinstance(found, Skip):
        return found
    family, model, device = found
    parallel = Parallel(tensor=row.n_gpus)
    try:
        parallel.check(model)
    except InputError as error:
        return Skip(row=row, reason=Reason.NOT_COMPARABLE, detail=str(error))
    return _sized(row, family, model, device, parallel)


def _parts(row: Row) -> tuple[Family, ModelSpec, DeviceSpec] | Skip:
    family = find_family(row.version)
    if family is None:
        return Skip(row=row, reason=Reason.UNKNOWN_ENGINE, detail=repr(row.version))
    model = find_model(row.model, note=row.note)
    if model is None:
        return Skip(row=row, reason=Reason.UNKNOWN_MODEL, detail=repr(row.model))
    device = find_device(row.gpu)
    if device is None:
        return Skip(row=row, reason=Reason.UNKNOWN_GPU, detail=repr(row.gpu))
    stored = in_formats(model, row.precision)
    if stored is None:
        return Skip(row=row, reason=Reason.UNKNOWN_PRECISION, detail=repr(row.precision))
    return family, stored, device


def _sized(row: Row, family: Family, model: ModelSpec, device: DeviceSpec, parallel: Parallel) -> Case | Skip:
    output = 1 if row.metric in _ALWAYS_ONE_OUTPUT else row.output_len
    batch = 1 if row.metric.endswith("ifb_max") else row.batch
    if row.input_len is None or output is None or batch is None:
        return Skip(row=row, reason=Reason.MISSING_LENGTHS, detail="batch, input_len or output_len")
    if row.metric == "memory_used" and not family.static_memory:
        return Skip(row=row, reason=Reason.NOT_COMPARABLE, detail=f"no account of what {family.name} allocates")
    more = 1 if family.static_memory and model.name in _ONE_STEP_MORE else 0
    return Case(
        row=row,
        family=family,
        model=model,
        device=device,
        parallel=parallel,
        batch=batch,
        prompt=row.input_len,
        output=output,
        decode_steps=output - 1 + more,
    )
