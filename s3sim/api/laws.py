"""Laws held against a system, as a table."""

from typing import Any

import pandas as pd

from s3sim.api.experiment import Source
from s3sim.api.simulating import MORE_LEARNERS, point_of
from s3sim.experiment.resolved import Point
from s3sim.policies.own import OwnSystems
from s3sim.sim.laws import Law, laws_of

__all__ = ["check_laws"]


def check_laws(source: Source | Point, *, own_systems: OwnSystems | None = None, **having: Any) -> pd.DataFrame:
    """Run a point three times, and tell which laws its system keeps: law, holds, found.

    Laws do not see a wrong rule: they say that nobody is lost and no slot is used twice, not that the right one was
    chosen. Takes one point, by the same words as `simulate`. Raises InvariantError where a run cannot even go on.

    >>> from s3sim import Experiment
    >>> workload = {"kind": "preset", "name": "alpaca", "requests": 20}
    >>> experiment = Experiment(model="gpt-j-6b", device="a100-80gb", workload=workload, systems=["orca"])
    >>> bool(check_laws(experiment)["holds"].all())
    True
    """
    point, systems = point_of(source, own_systems, having)
    return pd.DataFrame(list(laws_of(point, learners=MORE_LEARNERS, systems=systems)), columns=list(Law._fields))
