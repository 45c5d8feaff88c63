"""Laws of a new experiment: it runs as it is, explains every key, and its comments are true."""

import re
from pathlib import Path

import pytest
import yaml

from s3sim.core.errors import UnknownNameError
from s3sim.experiment.schema import load_experiment
from s3sim.experiment.schema.models import Experiment
from s3sim.experiment.schema.starts import STARTS
from s3sim.experiment.schema.template import ORDER, template

SCHEMA = Experiment.model_json_schema()
KEYS = list(SCHEMA["properties"])


def blocks(text: str) -> dict[str, list[str]]:
    """The lines of each key, comments above it included."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n{2,}", text)[1:]:
        (key,) = re.findall(r"\A# (\w+): ", block)
        found[key] = block.splitlines()
    return found


def uncommented(text: str) -> str:
    """The text with every default that stands in a comment set for good."""
    lines = []
    for key, block in blocks(text).items():
        begins = [place for place, line in enumerate(block) if re.match(rf"(# )?{key}:( |$)", line)]
        lines += [line.removeprefix("# ") for line in block[begins[-1] :]]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("start", STARTS)
def test_every_key_is_explained(start: str) -> None:
    """Every key of the schema stands there once, in an order that forgets none, with what it means above it."""
    found = blocks(template(start))
    assert list(found) == sorted(KEYS, key=ORDER.index)
    for key, lines in found.items():
        meaning = " ".join(line.removeprefix("#").strip() for line in lines)
        assert re.match(rf"{key}: \S+ \S+", meaning), f"{key} is not explained"


@pytest.mark.parametrize("kind", ["workload", "arrivals", "latency", "predictor"])
def test_every_kind_is_told_with_its_fields(kind: str) -> None:
    """What a key may be: each kind of a union, and all fields of each."""
    text = " ".join(" ".join(blocks(template("quickstart"))[kind]).replace("#", " ").split())
    parts = SCHEMA["properties"][kind]
    union = next(part for part in (parts, *parts.get("anyOf", ())) if "discriminator" in part)
    for name, reference in union["discriminator"]["mapping"].items():
        assert f"kind: {name} - " in text
        fields = SCHEMA["$defs"][reference.rpartition("/")[2]]["properties"]
        assert all(f" {field}: " in text for field in fields)
    assert len(union["discriminator"]["mapping"]) > 2


def test_limits_defaults_and_choices_are_the_schema_s() -> None:
    """One of each: a default, a limit, a closed choice, a required field, and names that may be given."""
    found = {key: " ".join(lines) for key, lines in blocks(template("quickstart")).items()}
    assert "gpu_memory_utilization: default 1; above 0 and at most 1" in found["memory"]
    assert "think_time: default exponential; exponential | constant" in found["arrivals"]
    assert "rate: required; above 0" in found["arrivals"]
    assert "a100-80gb | " in found["device"]
    assert "# log: full" in found["log"]


@pytest.mark.parametrize("start", STARTS)
def test_what_is_commented_out_is_the_default(start: str, tmp_path: Path) -> None:
    """With all of it uncommented the points are the very same."""
    text = template(start)
    everything = yaml.safe_load(uncommented(text))
    assert set(everything) == set(KEYS)
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    left_out = [key for key in everything if key not in yaml.safe_load(text)]
    assert len(left_out) > 5
    short = load_experiment(path).points
    assert [point.key for point in load_experiment(everything).points] == [point.key for point in short]


def test_an_unknown_start_is_refused() -> None:
    """The known ones are listed."""
    with pytest.raises(UnknownNameError, match="unknown preset 'offline'"):
        template("offline")
