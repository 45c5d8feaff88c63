"""What a page may ask for, by name."""

from collections.abc import Callable

from s3sim_site import commands, names, notebooks, python, repository, schema, tables
from s3sim_site.repository import Part

__all__ = ["INSERTS"]

INSERTS: dict[str, Callable[..., str | Part]] = {
    "file": repository.whole,
    "part": repository.part,
    "words": repository.words,
    "s3sim-commands": commands.s3sim_commands,
    "gpu-validate-commands": commands.gpu_validate_commands,
    "python": python.python,
    "notebooks": notebooks.notebooks,
    "systems": names.systems,
    "models": names.models,
    "devices": names.devices,
    "engines": names.engines,
    "links": names.links,
    "workloads": names.workloads,
    "formats": names.formats,
    "traces": names.traces,
    "metrics": tables.metrics,
    "requests": tables.requests,
    "events": tables.events,
    "steps": tables.steps,
    "comparisons": tables.comparisons,
    "files": tables.files,
    "experiment-schema": schema.experiment,
}
