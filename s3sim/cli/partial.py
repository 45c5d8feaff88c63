"""How much of a run is still to be done."""

import json
from pathlib import Path

from s3sim.core.errors import InputError

__all__ = ["unfinished"]


def unfinished(run: Path) -> int | None:
    """Points of the experiment in a run directory that are not finished; None where it does not tell.

    A search, which makes its points as it goes, and an experiment whose files are gone do not.
    """
    yaml, overrides = run / "experiment.yaml", run / "overrides.json"
    if (run / "capacity.json").exists() or not yaml.is_file():
        return None
    from s3sim.experiment.schema import load_experiment  # noqa: PLC0415

    try:
        given = json.loads(overrides.read_text(encoding="utf-8")) if overrides.is_file() else []
        planned = len(load_experiment(yaml, given).points)
    except (InputError, OSError, ValueError):
        return None
    return max(planned - len(list(run.glob("points/[!.]*/summary.json"))), 0)
