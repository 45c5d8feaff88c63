"""Law 5: the same inputs give the same log, byte for byte."""

import os
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from s3sim.core.events import EventLog
from tests.support.session import hold
from tests.support.traits import NAMES, foresight
from tests.support.worlds import Row, World, world

ROOT = Path(__file__).parents[2]


def same_twice(one: World) -> EventLog:
    """A second run, of new objects, writes the same bytes."""
    first, second = one.run(), one.run()
    assert first.events.tobytes() == second.events.tobytes()
    assert first.steps.tobytes() == second.steps.tobytes()
    return first


def digest() -> str:
    """A digest of the logs of one crowded world under every system."""
    total = sha256()
    for name in NAMES:
        rows = [Row(arrival=3 * n, prompt=8 + n % 5, output=1 + 7 * n % 40, max_new=40) for n in range(40)]
        told = [replace(row, predicted=foresight(name, row, 1 + n % 9, bucket=8)) for n, row in enumerate(rows)]
        log = world(name, told, capacity=160).run()
        total.update(log.events.tobytes() + log.steps.tobytes())
    return total.hexdigest()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_inputs_give_the_same_bytes(name: str) -> None:
    """Nothing is remembered from one run to the next (law 5)."""
    hold(same_twice, name, instant=True, lanes=True)


def test_the_log_does_not_depend_on_the_hashes_of_a_process() -> None:
    """Processes with other hash seeds write the same bytes (law 5)."""
    code = "from tests.laws.test_determinism import digest; print(digest())"
    path = os.pathsep.join(sys.path)
    environments = [{**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path} for seed in ("1", "2")]
    found = {
        subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, check=True).stdout
        for env in environments
    }
    assert found == {f"{digest()}\n".encode()}
