"""Predictors of output lengths: trained, judged, used, and let learn on; needs the extra `learn`.

Packages are imported by the function that needs them. `threads` is how many of the processor torch may use.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from s3sim.api.plain import Overrides
from s3sim.core.errors import InputError, UnknownNameError
from s3sim.learn.packages import use_threads
from s3sim.learn.settings import Settings
from s3sim.learn.source import Source

if TYPE_CHECKING:
    from s3sim.learn.evaluation import Evaluation
    from s3sim.learn.logs import Learnt
    from s3sim.learn.model import LengthModel
    from s3sim.learn.recording import Recorded
    from s3sim.learn.training import OnStep

__all__ = ["Settings", "Source", "evaluate", "learn", "moved", "record", "train", "worth", "write"]


def train(
    data: str | Path | Source,
    out: str | Path,
    *,
    threads: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    on_step: "OnStep | None" = None,
    **choices: Any,
) -> "LengthModel":
    """Fine-tune an encoder that foresees the bucket of an output's length from its prompt; writes its folder.

    `choices` are fields of `Source`, which say where prompts and lengths stand in `data`, and of `Settings`, as in
    `train("prompts.jsonl", "lengths", length="tokens", epochs=3)`. An interrupted training goes on with `resume`.
    """
    use_threads(threads)
    from s3sim.learn.train import train as fine_tune  # noqa: PLC0415 - torch takes seconds to import

    where = {name: value for name, value in choices.items() if name in FIELDS[Source]}
    how = {name: value for name, value in choices.items() if name not in where}
    source, settings = _source(data, where), Settings(**_demand_fields(Settings, how))
    return fine_tune(source, settings, out=Path(out), resume=resume, overwrite=overwrite, on_step=on_step)


def evaluate(
    model: str | Path,
    data: str | Path | Source | None = None,
    *,
    training_data: str | Path | None = None,
    training_served: str | Path | None = None,
    threads: int = 1,
    **choices: Any,
) -> "Evaluation":
    """Judge a predictor beside its baselines: by the rows of `data`, or by those that its training held out.

    `training_data` and `training_served` are where the files of its training are now. `choices` are fields of
    `Source`. `worth` simulates what its reservations buy, `write` writes matrices and figures.
    """
    use_threads(threads)
    from s3sim.learn.evaluation import evaluate as judge  # noqa: PLC0415
    from s3sim.learn.model import load_model  # noqa: PLC0415

    known = load_model(Path(model))
    if data is None and choices:
        raise InputError(f"{min(choices)}: says where rows stand in `data`; give that too")
    source = None if data is None else _source(data, choices)
    training = moved(Source.from_json(known.about.source), training_data, training_served)
    return judge(known, source=source, training=training)


def worth(found: "Evaluation", overrides: Overrides = ()) -> pd.DataFrame:
    """Throughput and preemptions of S³ with each predictor's reservations, and of ORCA: a row each."""
    from s3sim.api.predictor_worth import worth_of  # noqa: PLC0415

    return worth_of(found, overrides=overrides)


def write(
    found: "Evaluation", folder: str | Path, *, name: str = "predictor", worth: pd.DataFrame | None = None
) -> list[Path]:
    """Write an evaluation's confusion matrices, figures, predictions and scores; returns the files."""
    from s3sim.api.predictor_files import write_evaluation  # noqa: PLC0415

    return write_evaluation(found, Path(folder), name=name, worth=worth)


def record(
    model: str | Path, trace: str | Path, out: str | Path, *, overwrite: bool = False, threads: int = 1, **join: Any
) -> "Recorded":
    """Add predictions to a trace, which an experiment reads with `predictor: {kind: recorded}`.

    `join` says where the prompts are, and what is recorded: prompt, texts, texts_id, texts_offset and value; see
    `s3sim.learn.recording.record`.
    """
    use_threads(threads)
    from s3sim.learn.model import load_model  # noqa: PLC0415
    from s3sim.learn.recording import record as add  # noqa: PLC0415

    if Path(out).exists() and not overwrite:
        raise InputError(f"{out}: is there already; name another file, or --overwrite")
    return add(load_model(Path(model)), Path(trace), Path(out), **join)


def learn(
    model: str | Path,
    run: str | Path,
    texts: str | Path,
    out: str | Path,
    *,
    point: str | None = None,
    collect: str = "mispredicted",
    retrain_every: int = 256,
    window: int = 2048,
    seed: int = 0,
    threads: int = 1,
) -> "Learnt":
    """Let a predictor learn on from the event log of a run's point, and write what it became to another folder."""
    use_threads(threads)
    from s3sim.learn.logs import LogRule, learn_from_log  # noqa: PLC0415
    from s3sim.learn.model import load_model, save_model  # noqa: PLC0415

    if Path(out).exists():
        raise InputError(f"{out}: is there already; name another folder")
    rule = LogRule(collect=collect, every=retrain_every, window=window, seed=seed)
    events = pd.read_parquet(_events(Path(run), point))
    done = learn_from_log(load_model(Path(model)), events, Path(texts), rule)
    save_model(done.model, Path(out), card=done.card(Path(model)))
    return done


def _events(run: Path, point: str | None) -> Path:
    known = sorted((run / "points").glob("*/events.parquet"))
    found = [path for path in known if point in (None, path.parent.name)]
    if len(found) != 1:
        names = ", ".join(path.parent.name for path in known) or "none"
        raise InputError(f"{run}: {len(found)} points with an event log fit; name one with --point: {names}")
    return found[0]


def moved(source: Source, data: str | Path | None, served: str | Path | None) -> Source | None:
    """The training's source with other paths; None if none was given."""
    if data is None and served is None:
        return None
    if served is not None and source.served is None:
        raise InputError(f"--training-served {served}: the model was trained on one file, {source.path}")
    return replace(source, path=str(data or source.path), served=str(served) if served else source.served)


def _source(data: str | Path | Source, choices: Mapping[str, Any]) -> Source:
    """Where the rows are."""
    known = _demand_fields(Source, choices)
    if isinstance(data, Source):
        return replace(data, **known)
    return Source(path=str(data), **known)


def _demand_fields(kind: type[Any], choices: Mapping[str, Any]) -> dict[str, Any]:
    """The choices, paths as texts; raises UnknownNameError for one that the dataclass has not."""
    for name in choices:
        if name not in FIELDS[kind]:
            raise UnknownNameError("choice", name, FIELDS[kind], place="predictor")
    return {name: str(value) if isinstance(value, Path) else value for name, value in choices.items()}


FIELDS: dict[type[Any], list[str]] = {kind: [entry.name for entry in fields(kind)] for kind in (Source, Settings)}
