"""A quick run of all studies, made once."""

from pathlib import Path

import pytest

from s3sim.paper.page import write_page
from s3sim.paper.runs import Runs, run_studies

ROOT = Path(__file__).parents[2]
EXPERIMENTS = ROOT / "experiments" / "paper"


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Every study with few requests and the ends of its sweeps."""
    return run_studies(EXPERIMENTS, tmp_path_factory.mktemp("paper"), workers=1, quick=True)


@pytest.fixture(scope="session")
def docs(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the page of that run."""
    folder = tmp_path_factory.mktemp("docs")
    write_page(runs, folder)
    return folder
