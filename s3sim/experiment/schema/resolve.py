"""From a checked setting to a point, with every preset and default written out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, NamedTuple

from pydantic import BaseModel, PydanticUserError, ValidationError

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.experiment.files import content_digest, find_file
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema.document import Document
from s3sim.experiment.schema.fields import given_fields, merged, strict_model
from s3sim.experiment.schema.models import Setting, SystemEntry
from s3sim.experiment.schema.problems import explain
from s3sim.hardware import DEVICES, ENGINES, LINKS, MODELS, DeviceSpec, EngineSpec, LinkSpec, ModelSpec
from s3sim.policies.fingerprint import code_digest
from s3sim.policies.registry import SYSTEMS, System, system
from s3sim.workload.presets import PRESETS

__all__ = ["At", "resolve"]

Plain = dict[str, Any]
SERVED_ONCE = "served_once"
LEFT_OUT = 0.1  # of the requests, at either end: a queue that starts empty has its usual length by then
TRAINED = "s3sim_predictor.json"  # a trained predictor's folder holds it, with the digest of its weights


class At(NamedTuple):
    """Where in an experiment a point stands."""

    experiment: str
    scenario: str
    seed: int
    sweep: Plain


def resolve(
    setting: Setting, entry: str | SystemEntry, at: At, document: Document, systems: Mapping[str, System] = SYSTEMS
) -> Point:
    """The point of one of `systems` and one seed; raises InputError for what a type cannot say."""
    name = entry if isinstance(entry, str) else entry.name
    label = name if isinstance(entry, str) else entry.label or name
    kind = system(name, place=document.place(["systems", label]), known=systems)
    return Point(
        **at._asdict(),
        system=name,
        label=label,
        code=None if kind is SYSTEMS.get(name) else code_digest(kind.choices),
        choices=_choices(kind, entry, setting.max_num_seqs, document=document, label=label),
        model=_spec(setting.model, "model", ModelSpec, MODELS, document),
        device=_device(setting, document),
        engine=_spec(setting.engine, "engine", EngineSpec, ENGINES, document),
        latency=_with_file(setting.latency.model_dump(), ("latency", "path"), document),
        memory=setting.memory.model_dump(),
        parallel=setting.parallel.model_dump(),
        max_length=setting.max_length,
        workload=_workload(setting, document),
        arrivals=setting.arrivals.model_dump(),
        predictor=_predictor(setting, kind, name, document),
        slo=setting.slo.model_dump(exclude_none=True),
        measure=_measure(setting, document),
        log=setting.log,
    )


def _choices(
    kind: System, entry: str | SystemEntry, max_num_seqs: int | None, *, document: Document, label: str
) -> Plain:
    given = {} if isinstance(entry, str) else dict(entry.model_extra or {})
    model = _choice_model(kind, document.place(["systems", label]))
    if max_num_seqs is not None and "max_num_seqs" in model.model_fields:
        given.setdefault("max_num_seqs", max_num_seqs)

    def place(keys: Sequence[str | int]) -> str:
        return document.place(["systems", label, *keys])

    try:
        return model.model_validate(given).model_dump()
    except ValidationError as error:
        raise InputError(explain(error, given, kind=model, place=place)) from None


def _choice_model(kind: System, place: str) -> type[BaseModel]:
    try:
        return strict_model(kind.choices)
    except PydanticUserError as error:  # of one's own
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{place}: the fields of {kind.choices.__name__} are no numbers, texts or lists: {reason}"
        ) from None


def _spec(given: Any, noun: str, kind: type[Any], presets: Mapping[str, Any], document: Document) -> Plain:
    """A preset's or given fields, checked by the dataclass whose they are."""
    place = document.place([noun])
    spec = merged(given_fields(given), place=place, noun=noun, kind=kind, presets=presets)
    with _at(place):
        return asdict(kind(**spec))


def _device(setting: Setting, document: Document) -> Plain:
    place, place_of_link = document.place(["device"]), document.place(["device", "link"])
    spec = merged(given_fields(setting.device), place=place, noun="device", kind=DeviceSpec, presets=DEVICES)
    link = merged(spec["link"], place=place_of_link, noun="link", kind=LinkSpec, presets=LINKS)
    with _at(place):
        return asdict(DeviceSpec(**{**spec, "link": LinkSpec(**link)}))


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Say where a dataclass found its fields wrong."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _with_file(fields: Plain, keys: tuple[str, str], document: Document) -> Plain:
    """The fields, with the file that one of them names found, and its digest beside it."""
    key = keys[-1]
    if fields.get(key) is not None:
        path = find_file(fields[key], folder=document.folder, place=document.place(keys))
        fields |= {key: str(path), f"{key}_sha256": content_digest(path)}
    return fields


def _with_folder(fields: Plain, keys: tuple[str, str], document: Document) -> Plain:
    """The fields, with the folder of a trained predictor found, and the digest of what tells of its weights."""
    key = keys[-1]
    if fields.get(key) is None:
        return fields
    path = find_file(f"{fields[key]}/{TRAINED}", folder=document.folder, place=document.place(keys))
    return fields | {key: str(path.parent), f"{key}_sha256": content_digest(path)}


def _workload(setting: Setting, document: Document) -> Plain:
    load = setting.workload.model_dump()
    named: list[tuple[str, list[str | int]]] = [(load["name"], ["name"])] if load["kind"] == "preset" else []
    for number, phase in enumerate(load.get("phases", [])):
        named += [(phase["name"], ["phases", number, "name"])] if "name" in phase else []
    for name, keys in named:
        if name not in PRESETS:
            raise UnknownNameError("length preset", name, PRESETS, place=document.place(["workload", *keys]))
    return _with_file(_with_file(load, ("workload", "path"), document), ("workload", "tokenizer"), document)


def _measure(setting: Setting, document: Document) -> Plain:
    """What is left out; by default nothing of a burst at time 0, and of anything else a share at both ends.

    Of a closed loop the start goes until every user was served once. Which part of a burst counts is told where
    there may be one, and where it is not the whole.
    """
    kind, given = setting.arrivals.kind, setting.measure.model_dump()
    default: str | Plain = "none" if kind == "offline" else {"share": LEFT_OUT}
    defaults = {"warm_up": SERVED_ONCE if kind == "closed_loop" else default, "cool_down": default}
    cuts = {end: _cut(defaults[end] if given[end] is None else given[end]) for end in defaults}
    if cuts["warm_up"] == SERVED_ONCE and kind != "closed_loop":
        raise InputError(
            f"{document.place(['measure', 'warm_up'])}: {SERVED_ONCE!r} is of users, and there are none under arrivals"
            f" of kind {kind!r}; give {{share: 0.1}}, or arrivals of kind closed_loop"
        )
    saturated = given["burst"] == "saturated" and kind in ("offline", "trace")
    return {**cuts, "burst": "saturated"} if saturated else cuts


def _cut(cut: str | Plain) -> str | Plain:
    """A rule's name, or the one amount that was given."""
    return cut if isinstance(cut, str) else {key: amount for key, amount in cut.items() if amount is not None}


def _predictor(setting: Setting, kind: System, name: str, document: Document) -> Plain | None:
    given = setting.predictor
    if kind.needs == "nothing":
        return None
    if kind.needs == "predictor":
        if given is None:
            place = document.place(["predictor"])
            raise InputError(f"{place}: missing; system {name!r} needs one, such as {{kind: oracle}}")
        fields = _with_file(given.model_dump(), ("predictor", "matrix"), document)
        return _with_folder(_with_file(fields, ("predictor", "texts"), document), ("predictor", "model"), document)
    free = {"seconds": 0.0, "concurrency": None, "charged_to": "host"}
    timing = free if given is None else {key: getattr(given, key) for key in free}
    buckets = None if kind.needs == "oracle_exact" else getattr(given, "buckets", None) or 10
    return {"kind": "oracle", "buckets": buckets, **timing}
