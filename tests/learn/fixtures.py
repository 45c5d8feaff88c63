"""One small predictor, trained once for all tests that read it; the tests of learn and of the command line share it."""

import shutil
from pathlib import Path

import pytest

from s3sim.learn.source import Source
from tests.learn.rows import TINY, learnable, write_jsonl


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 500 rows with a column of lengths."""
    return write_jsonl(tmp_path_factory.mktemp("data") / "rows.jsonl", learnable(500))


@pytest.fixture(scope="session")
def source(data: Path) -> Source:
    """That file as a source."""
    return Source(path=str(data), length="tokens")


@pytest.fixture(scope="session")
def trained(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a predictor that was trained on it; not to be changed."""
    torch = pytest.importorskip("torch", reason="the extra `learn` is not installed")
    torch.set_num_threads(1)
    from s3sim.learn.train import train  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("models") / "tiny"
    train(source, TINY, out=folder)
    return folder


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "copied"))
