"""The examples of the API's docstrings run, and give what they say."""

import doctest
import pkgutil
import re
from pathlib import Path

import pytest

import s3sim
import s3sim.api
from tests.support.extras import imported

ROOT = Path(__file__).parents[2]

MODULES = ["s3sim", *(module.name for module in pkgutil.iter_modules(s3sim.api.__path__, "s3sim.api."))]
SHOWN = ("s3sim", "s3sim.api.experiment", "s3sim.api.running", "s3sim.api.simulating", "s3sim.api.trace")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is run in a folder of its own, with nothing imported but what its module has."""
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(imported(name))
    assert not failed
    assert tried or name not in SHOWN


def test_the_readme_s_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands, but for the number of requests."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    (code,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    assert "seeds=[0])" in code
    names: dict[str, object] = {}
    exec(code.replace("seeds=[0])", "seeds=[0]).with_({'workload.requests': 30})"), names)
    results = names["results"]
    assert isinstance(results, s3sim.Results)
    assert len(results) == 15
