"""From a checked setting to a point, with every preset and default written out."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from s3sim.core.errors import InputError
from s3sim.experiment.files import find_file
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema.document import Document
from s3sim.experiment.schema.fields import merged, strict_model
from s3sim.experiment.schema.models import Setting, SystemEntry
from s3sim.experiment.schema.problems import explain
from s3sim.hardware import DeviceSpec, EngineSpec, LinkSpec, ModelSpec, presets
from s3sim.policies.registry import System, system

__all__ = ["resolve"]

Plain = dict[str, Any]


def resolve(
    setting: Setting, entry: str | SystemEntry, *, scenario: str, seed: int, sweep: Plain, document: Document
) -> Point:
    """The point of one system and one seed; raises InputError for what a type cannot say."""
    name = entry if isinstance(entry, str) else entry.name
    label = name if isinstance(entry, str) else entry.label or name
    kind, folder = system(name), document.folder
    return Point(
        experiment=document.values["name"],
        scenario=scenario,
        system=name,
        label=label,
        seed=seed,
        sweep=sweep,
        choices=_choices(kind, entry, setting.max_num_seqs, place=f"systems.{label}"),
        model=_checked(ModelSpec, merged(setting.model, place="model", kind=ModelSpec, preset=presets.model)),
        device=_device(setting),
        engine=_checked(EngineSpec, merged(setting.engine, place="engine", kind=EngineSpec, preset=presets.engine)),
        latency=_with_file(setting.latency.model_dump(), "path", folder, place="latency.path"),
        memory=setting.memory.model_dump(),
        parallel=setting.parallel.model_dump(),
        max_length=setting.max_length,
        workload=_with_file(setting.workload.model_dump(), "path", folder, place="workload.path"),
        arrivals=setting.arrivals.model_dump(),
        predictor=_predictor(setting, kind, name, folder),
        slo=setting.slo.model_dump(exclude_none=True),
        log=setting.log,
    )


def _choices(kind: System, entry: str | SystemEntry, max_num_seqs: int | None, *, place: str) -> Plain:
    given = {} if isinstance(entry, str) else dict(entry.model_extra or {})
    model = strict_model(kind.choices)
    if max_num_seqs is not None and "max_num_seqs" in model.model_fields:
        given.setdefault("max_num_seqs", max_num_seqs)

    def where(keys: Sequence[str | int]) -> str:
        return ".".join((place, *map(str, keys)))

    try:
        return model.model_validate(given).model_dump()
    except ValidationError as error:
        known = ", ".join(model.model_fields)
        raise InputError(f"{explain(error, given, place=where)} (its choices: {known})") from None


def _device(setting: Setting) -> Plain:
    spec = merged(setting.device, place="device", kind=DeviceSpec, preset=presets.device)
    if isinstance(spec["link"], str):
        spec["link"] = asdict(presets.link(spec["link"]))
    elif "preset" in spec["link"]:
        spec["link"] = {**asdict(presets.link(spec["link"]["preset"])), **spec["link"]}
        del spec["link"]["preset"]
    return _checked(DeviceSpec, {**spec, "link": LinkSpec(**spec["link"])})


def _checked(kind: type[Any], spec: Plain) -> Plain:
    """Let the dataclass check its own fields."""
    return asdict(kind(**spec))


def _with_file(fields: Plain, key: str, folder: Path, *, place: str) -> Plain:
    if fields.get(key) is not None:
        fields[key] = str(find_file(fields[key], folder=folder, place=place))
    return fields


def _predictor(setting: Setting, kind: System, name: str, folder: Path) -> Plain | None:
    given = setting.predictor
    if kind.needs == "nothing":
        return None
    if kind.needs == "predictor":
        if given is None:
            raise InputError(f"predictor: missing; system {name!r} needs one, such as {{kind: oracle}}")
        return _with_file(given.model_dump(), "matrix", folder, place="predictor.matrix")
    timing = (
        {"seconds": given.seconds, "concurrency": given.concurrency} if given else {"seconds": 0.0, "concurrency": None}
    )
    buckets = None if kind.needs == "oracle_exact" else getattr(given, "buckets", None) or 10
    return {"kind": "oracle", "buckets": buckets, **timing}
