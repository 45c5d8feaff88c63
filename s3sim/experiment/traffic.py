"""From what an experiment says of requests to a trace: lengths, recorded files, arrivals, users."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3sim.core.errors import InputError
from s3sim.workload.arrivals import ARRIVALS, Arrivals, Offline
from s3sim.workload.closed_loop import ClosedLoop
from s3sim.workload.generate import generate, generate_phases, retime
from s3sim.workload.lengths import LENGTHS, JointLengths, Length, Lengths
from s3sim.workload.presets import preset
from s3sim.workload.pruning import PRUNINGS, Pruning
from s3sim.workload.reshape import resample, sample, thin
from s3sim.workload.tokenizer import load_tokenizer
from s3sim.workload.trace import Trace

if TYPE_CHECKING:
    from s3sim.workload.readers import ReadTrace

__all__ = ["REPLICAS", "at_key", "build_arrivals", "build_closed_loop", "build_trace"]

Plain = dict[str, Any]
REPLICAS = "replicas"  # of recorded arrivals: among how many they are dealt at random; a capacity search sets it


@contextmanager
def at_key(place: str) -> Iterator[None]:
    """Say which key of the experiment the parts were built from."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def build_trace(workload: Plain, arrivals: Plain, *, seed: int, vocabulary: int | None = None) -> tuple[Trace, int]:
    """The trace that an experiment's `workload` and `arrivals` stand for, and how many rows were left out of its file.

    Under a closed loop all arrivals are 0: users make them. `vocabulary` is how many tokens the served model
    knows. Raises InputError for unusable files, and for arrivals that a workload does not have.
    """
    if workload["kind"] == "trace":
        return _recorded(workload, arrivals, seed=seed, vocabulary=vocabulary)
    times = build_arrivals(arrivals, None)
    with at_key("workload"):
        if workload["kind"] == "phases":
            parts = [(part["requests"], _joint(part)) for part in workload["phases"]]
            return generate_phases(parts, arrivals=times, seed=seed), 0
        lengths = _joint(workload)
    return generate(workload["requests"], lengths=lengths, arrivals=times, seed=seed), 0


def _recorded(load: Plain, arrivals: Plain, *, seed: int, vocabulary: int | None) -> tuple[Trace, int]:
    with at_key("workload"):
        read = _read(load, vocabulary)
    trace, select, wanted = read.trace, load["select"], load["requests"] or len(read.trace)
    if select == "resample":
        trace = resample(trace, wanted, seed=seed)
        if arrivals["kind"] == "trace":
            raise InputError("arrivals.kind: 'trace' has no meaning with select: resample, which draws rows, not times")
    elif wanted > len(trace):
        raise InputError(
            f"workload.requests: {wanted} is more than the {len(trace)} valid rows of {load['path']};"
            " ask for fewer, or say select: resample"
        )
    elif wanted < len(trace):
        trace = trace.head(wanted) if select == "first" else sample(trace, wanted, seed=seed)
    counts = read.counts
    left_out = counts.dropped + sum(counts.pruned.values())
    timed = retime(trace, arrivals=build_arrivals(arrivals, trace), seed=seed)
    return thin(timed, arrivals.get(REPLICAS, 1), seed=seed), left_out


def _read(load: Plain, vocabulary: int | None) -> "ReadTrace":
    limits = load["prune"]
    path = load["tokenizer"]
    tokenizer = None if path is None else load_tokenizer(Path(path))
    if tokenizer is not None and vocabulary is not None and tokenizer.size > vocabulary:
        raise InputError(
            f"tokenizer: {path} has {tokenizer.size} tokens, and the model knows {vocabulary}:"
            " it does not fit; use the model's own"
        )
    return _read_once(
        load["path"],
        load.get("path_sha256"),
        load["format"],
        tuple(load["columns"].items()),
        tuple(load["constants"].items()),
        load["invalid_rows"],
        load["time_unit"],
        load["sort"],
        path,
        PRUNINGS[limits] if isinstance(limits, str) else Pruning(**limits),
    )


@lru_cache(maxsize=2)  # the points of one experiment read the same file again and again
def _read_once(
    path: str,
    digest: str | None,  # of what the file holds
    form: str,
    columns: tuple[tuple[str, str], ...],
    constants: tuple[tuple[str, int], ...],
    invalid_rows: Any,
    time_unit: str | None,
    sort: bool,
    tokenizer: str | None,
    prune: Pruning,
) -> "ReadTrace":
    from s3sim.workload.readers import read_trace  # noqa: PLC0415  needs pandas, which a GPU machine may lack

    return read_trace(
        path,
        format=form,
        columns=dict(columns),
        constants=dict(constants),
        invalid_rows=invalid_rows,
        time_unit=time_unit,
        sort=sort,
        tokenizer=None if tokenizer is None else load_tokenizer(Path(tokenizer)),
        prune=prune,
    )


def build_arrivals(fields: Mapping[str, Any], trace: Trace | None) -> Arrivals:
    """The arrival process of an experiment's `arrivals`; `trace` is the recorded one, if there is one."""
    others = {key: _tuple(value) for key, value in fields.items() if key not in ("kind", REPLICAS)}
    kind = fields["kind"]
    if kind == "closed_loop":
        return Offline()  # a placeholder: the answers make the times
    if kind == "trace":
        if trace is None:
            raise InputError("arrivals.kind: 'trace' needs a workload of kind 'trace'; this one has no timestamps")
        others["recorded"] = trace.arrival
    return ARRIVALS[kind](**others)


def build_closed_loop(fields: Mapping[str, Any]) -> ClosedLoop | None:
    """The users of an experiment's `arrivals`; None where requests come by themselves."""
    if fields["kind"] != "closed_loop":
        return None
    return ClosedLoop(**{key: value for key, value in fields.items() if key != "kind"})


def _joint(load: Plain) -> JointLengths:
    return preset(load["name"]) if "name" in load else _lengths(load)


def _lengths(load: Plain) -> JointLengths:
    return Lengths(_length(load["prompt"]), _length(load["output"]), load["spearman"])


def _length(fields: Plain) -> Length:
    return LENGTHS[fields["kind"]](**{key: _tuple(value) for key, value in fields.items() if key != "kind"})


def _tuple(value: Any) -> Any:
    """JSON's arrays, as the frozen dataclasses hold them."""
    return tuple(value) if isinstance(value, list) else value
