"""The constants that a fit may change: their bounds, and what is known of them before any row is read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from s3sim.calibration.cases import Case
from s3sim.calibration.predict import Constants
from s3sim.hardware import ENGINES

__all__ = ["OWN", "Layout", "Parameter", "Vector", "layout_of"]

Vector = npt.NDArray[np.float64]
Scope = Literal["device", "engine", "communication", "client"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One constant: which field it sets, within which bounds, and where it is expected (typical ± spread).

    `spread` None leaves it to the rows alone. An expectation counts as much as one row whose error is the
    loss's scale for each spread that the constant lies off.
    """

    scope: Scope
    field: str
    least: float
    most: float
    typical: float
    spread: float | None = None
    engine: str = ""  # whose field it is, where the scope is an engine

    @property
    def name(self) -> str:
        """The field, with its engine before it."""
        return f"{self.engine}.{self.field}" if self.engine else self.field

    def touches(self, case: Case) -> bool:
        """Whether a case's foretold value can depend on it."""
        match self.scope:
            case "engine":
                return case.family.engine == self.engine
            case "communication":
                return case.parallel.tensor > 1
            case "client":
                return case.family.decodes_first_token and case.row.metric == "output_throughput"
            case "device":
                return True


# Shared by all engines. Operator tables of an A100 (expectations; shares of nominal peaks): GEMV 68-83%, decode
# attention 84-86%, large GEMM 81-87%.
_DEVICE: Final = (
    Parameter(scope="device", field="weight_bandwidth_fraction", least=0.6, most=0.95, typical=0.78, spread=0.06),
    Parameter(scope="device", field="kv_bandwidth_fraction", least=0.6, most=0.95, typical=0.85, spread=0.03),
    Parameter(scope="device", field="gemm_flops_fraction", least=0.5, most=0.95, typical=0.84, spread=0.03),
)
OWN: Final = (
    # GEMM time is flat to 64 rows, +20% at 96-128 and compute-bound from about 192: an exponent of 2 to 3.
    Parameter(scope="engine", field="smooth_exponent", least=1.2, most=8.0, typical=2.5, spread=0.4),
    # Unfused attention writes a score, reads and writes it and a mask in its softmax, and reads it again: 10 bytes, or
    # 20 for each causal pair, of which half are masked; fused attention moves none.
    Parameter(scope="engine", field="score_bytes_per_pair", least=0.0, most=200.0, typical=20.0, spread=20.0),
    Parameter(scope="engine", field="seconds_per_layer", least=0.0, most=300e-6, typical=100e-6, spread=30e-6),
    Parameter(scope="engine", field="seconds_per_sequence", least=0.0, most=300e-6, typical=15e-6),
    # A decoder block reads and writes its width 40 to 60 times in norms, biases, residuals and transposes.
    Parameter(scope="engine", field="activation_passes", least=0.0, most=300.0, typical=50.0, spread=20.0),
)
# NCCL's small all-reduces take 10 to 20 µs on NVLink A100s (rule of thumb). The bounds keep tables whose first step is
# slow for other reasons (GPT-89B and GPT-175B, about 60 ms) from being explained by communication.
_COMMUNICATION: Final = (
    Parameter(scope="communication", field="collective_seconds", least=0.0, most=40e-6, typical=15e-6, spread=8e-6),
    Parameter(scope="communication", field="hop_seconds", least=0.0, most=4e-6, typical=1.5e-6, spread=1e-6),
    Parameter(scope="communication", field="peer_bandwidth_fraction", least=0.1, most=1.0, typical=0.5, spread=0.2),
)
_CLIENT: Final = Parameter(scope="client", field="client_seconds", least=0.0, most=300e-6, typical=50e-6, spread=30e-6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The constants of one fit in a fixed order, as entries of a vector."""

    parameters: tuple[Parameter, ...]

    @property
    def start(self) -> Vector:
        """Where a search begins: each constant at what is typical."""
        return np.array([entry.typical for entry in self.parameters])

    @property
    def bounds(self) -> tuple[Vector, Vector]:
        """Least and most of each."""
        return (
            np.array([entry.least for entry in self.parameters]),
            np.array([entry.most for entry in self.parameters]),
        )

    def constants(self, vector: Vector) -> Constants:
        """What the entries stand for; engines that are not in it keep what is shipped."""
        fields: dict[str, dict[str, float]] = {entry.engine: {} for entry in self.parameters if entry.engine}
        others: dict[Scope, dict[str, float]] = {"device": {}, "communication": {}, "client": {}}
        for entry, value in zip(self.parameters, vector.tolist(), strict=True):
            (fields[entry.engine] if entry.engine else others[entry.scope])[entry.field] = value
        engines = dict(ENGINES)
        for engine, own in fields.items():
            engines[engine] = replace(ENGINES[engine], **others["device"], **own)  # type: ignore[arg-type]
        return Constants(engines=engines, communication=others["communication"], **others["client"])


def layout_of(engines: Iterable[str], cases: Sequence[Case]) -> Layout:
    """The constants of these engines; those of communication and client only where enough rows show them."""
    chosen = [*_DEVICE]
    for optional in (_COMMUNICATION, (_CLIENT,)):
        if sum(optional[0].touches(case) for case in cases) >= 2 * len(optional):
            chosen += optional
    chosen += [replace(entry, engine=engine) for engine in sorted(engines) for entry in OWN]
    return Layout(parameters=tuple(chosen))
