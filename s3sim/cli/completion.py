"""What a shell may complete after `s3sim`; nothing here raises, for a shell would show it in mid-line.

Each function is given what was typed of a word, and imports what it needs when it is asked.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

import typer

__all__ = [
    "complete_experiment",
    "complete_kind",
    "complete_metric",
    "complete_name",
    "complete_point",
    "complete_setting",
    "complete_start",
    "complete_system",
]

KINDS = {  # of `s3sim list`: where their names are; each module is imported for its own names alone
    "systems": "s3sim.policies.registry:SYSTEMS",
    "models": "s3sim.hardware.presets:MODELS",
    "devices": "s3sim.hardware.presets:DEVICES",
    "engines": "s3sim.hardware.presets:ENGINES",
    "links": "s3sim.hardware.presets:LINKS",
    "workloads": "s3sim.workload.presets:PRESETS",
    "traces": "s3sim.workload.sources:SOURCES",
    "formats": "s3sim.workload.formats:FORMATS",
    "metrics": "s3sim.report.meanings:SUMMARY",
}
NAMED = {"model": "models", "device": "devices", "engine": "engines", "workload.name": "workloads"}  # by --set


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def complete_kind(incomplete: str) -> list[str]:
    """A kind of `s3sim list`."""
    return _beginning(KINDS, incomplete)


def complete_name(context: typer.Context, incomplete: str) -> list[str]:
    """A name of the kind that stands before it."""
    return _beginning(_names(str(context.params.get("kind"))), incomplete)


def complete_system(incomplete: str) -> list[str]:
    """A system."""
    return _beginning(_names("systems"), incomplete)


def complete_metric(incomplete: str) -> list[str]:
    """A metric of a summary."""
    return _beginning(_names("metrics"), incomplete)


def complete_start(incomplete: str) -> list[str]:
    """A preset of `s3sim new`."""
    from s3sim.experiment.schema.starts import STARTS  # noqa: PLC0415

    return _beginning(STARTS, incomplete)


def complete_experiment(incomplete: str) -> list[str]:
    """A YAML file, or a folder on the way to one."""
    given = Path(incomplete)
    folder = given if incomplete.endswith("/") else given.parent
    return _beginning(_yaml_files(folder), incomplete)


def complete_point(context: typer.Context, incomplete: str) -> list[str]:
    """A finished point of the run directory that stands before it."""
    given = context.params.get("directory") or next(iter(context.args), "")  # typer reads no further than --point
    folder = Path(str(given)) / "points"
    return _beginning(sorted(path.parent.name for path in folder.glob("[!.]*/summary.json")), incomplete)


def complete_setting(incomplete: str) -> list[str]:
    """A key of an experiment, or the name that a key such as `model` is set to."""
    key, equals, _ = incomplete.partition("=")
    if equals:
        return _beginning((f"{key}={name}" for name in _names(NAMED.get(key, ""))), incomplete)
    from s3sim.experiment.schema.models import Setting  # noqa: PLC0415

    return _beginning((f"{name}=" for name in [*Setting.model_fields, "seeds", "workload.requests"]), incomplete)


def _names(kind: str) -> Iterable[str]:
    if kind not in KINDS:
        return ()
    module, _, name = KINDS[kind].partition(":")
    names: Iterable[str] = getattr(import_module(module), name)
    return names


def _yaml_files(folder: Path) -> Iterator[str]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.name.startswith("."):
                yield f"{path}/"
            elif path.suffix in (".yaml", ".yml"):
                yield str(path)
