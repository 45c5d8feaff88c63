"""From what an experiment says of a predictor to a predictor."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Point
from s3sim.experiment.traffic import at_key
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.confusion import ConfusionMatrix
from s3sim.predictors.learner import Prompts
from s3sim.predictors.margin import Margin
from s3sim.predictors.predictor import IntArray, Predictor
from s3sim.predictors.simple import ConstantPredictor, Noisy, Oracle, Recorded
from s3sim.workload.trace import Trace

__all__ = ["OnlineFields", "bucket_edges", "online_fields", "predictions"]

PREDICTOR_STREAM = 7919  # keeps a predictor's draws apart from the workload's under one seed


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineFields:
    """What an online predictor is made of; `fields` are the experiment's own words."""

    prompts: Prompts
    margin: Margin
    fields: dict[str, Any]


def predictions(point: Point, trace: Trace) -> IntArray | None:
    """Tokens foreseen of each row; None where nobody foresees, or not before it arrives."""
    fields = point.predictor
    if fields is None or fields["kind"] == "online":
        return None
    with at_key("predictor"):
        predictor = _recorded(trace) if fields["kind"] == "recorded" else _predictor(fields, point)
    truth = trace.output_tokens if predictor.needs_output_tokens else None
    return predictor.predict(trace.id, trace.prompt_tokens, truth)


def online_fields(point: Point, trace: Trace) -> OnlineFields | None:
    """The parts of an online predictor; None where it is of another kind."""
    fields = point.predictor
    if fields is None or fields["kind"] != "online":
        return None
    with at_key("predictor"):
        prompts = Prompts(
            tokens=trace.prompt_tokens,
            texts=None if fields["texts"] is None else _texts(Path(fields["texts"]), trace.id),
            buckets=_demanded(fields, point.max_length),
            seed=point.seed + PREDICTOR_STREAM,
            model=None if fields["model"] is None else Path(fields["model"]),
        )
        return OnlineFields(prompts=prompts, margin=_margin(fields), fields=fields)


def bucket_edges(point: Point) -> tuple[int, ...] | None:
    """Upper edges of the buckets among which the point's predictor chooses; None where it has none."""
    buckets = None if point.predictor is None else _buckets(point.predictor, point.max_length)
    return None if buckets is None else tuple(buckets.edges.tolist())


def _recorded(trace: Trace) -> Predictor:
    if trace.predicted_tokens is None:
        raise InputError(
            "kind: 'recorded' needs a trace with a column predicted_tokens, as `s3sim predictor record` adds;"
            " a column of another name is read with workload.columns"
        )
    return Recorded(trace.predicted_tokens, trace.id)


def _buckets(fields: dict[str, Any], max_length: int) -> Buckets | None:
    if fields.get("edges") is not None:
        return Buckets.of_edges(fields["edges"])
    return None if fields.get("buckets") is None else Buckets(fields["buckets"], max_length)


def _demanded(fields: dict[str, Any], max_length: int) -> Buckets:
    buckets = _buckets(fields, max_length)
    assert buckets is not None, "the schema gives this kind its buckets"
    return buckets


def _margin(fields: dict[str, Any]) -> Margin:
    return Margin(fields["margin_buckets"], fields["quantile"])


def _predictor(fields: dict[str, Any], point: Point) -> Predictor:
    seed = point.seed + PREDICTOR_STREAM
    match fields["kind"]:
        case "oracle":
            return Oracle(_buckets(fields, point.max_length))
        case "constant":
            return ConstantPredictor(fields["tokens"])
        case "noisy":
            buckets = _buckets(fields, point.max_length)
            return Noisy(fields["sigma"], buckets, fields["error"], seed, _margin(fields))
        case _:
            return _confusion(fields, _demanded(fields, point.max_length), seed)


def _confusion(fields: dict[str, Any], buckets: Buckets, seed: int) -> Predictor:
    margin, skill = _margin(fields), fields["skill"]
    if fields["matrix"] is not None:
        return ConfusionMatrix.from_csv(fields["matrix"], buckets, seed=seed, margin=margin, skill=skill)
    return ConfusionMatrix.from_accuracy(
        fields["accuracy"], buckets, spread=fields["spread"], seed=seed, margin=margin, skill=skill
    )


def _texts(path: Path, wanted: IntArray) -> tuple[str, ...]:
    from s3sim.experiment.texts import prompts_by_id  # noqa: PLC0415  pandas, which a GPU machine may lack

    return prompts_by_id(path, wanted)
