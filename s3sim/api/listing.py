"""The names that an experiment may use, each with what it stands for."""

from typing import TYPE_CHECKING

from s3sim.core.errors import UnknownNameError
from s3sim.experiment import names as known

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["names"]

LISTS = {
    "systems": known.systems_rows,
    "models": known.models_rows,
    "devices": known.devices_rows,
    "engines": known.engines_rows,
    "links": known.links_rows,
    "workloads": known.workloads_rows,
    "formats": known.formats_rows,
    "traces": known.traces_rows,
    "metrics": known.metrics_rows,
}


def names(kind: str) -> "pd.DataFrame":
    """The names of a kind, a row each, with the columns of `s3sim list KIND --json`.

    Raises UnknownNameError for another kind.

    >>> "s3" in names("systems").index
    True
    """
    import pandas as pd  # noqa: PLC0415 - a list needs none

    if kind not in LISTS:
        raise UnknownNameError("kind of name", kind, LISTS)
    return pd.DataFrame(list(LISTS[kind]())).set_index("name")
