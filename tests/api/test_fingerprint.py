"""A class's digest changes with what it decides, and with nothing else."""

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from s3sim.policies.fingerprint import code_digest

SOURCE = '''
"""A module."""
from dataclasses import dataclass
from math import ceil
from s3sim.policies.admission import FirstCome

LIMIT = 7
NAMES = {"b", "a", "c", "d"}
TABLE = {"x": 1}

def helper(n):
    # a remark
    return n + 1

class Base:
    def inner(self):
        return 1

@dataclass(frozen=True)
class Part(Base):
    more: int = 3

    def tokens(self, sequence):
        return helper(sequence) + LIMIT + self.more + TABLE["x"] + len([n for n in NAMES if ceil(n)])

RULE = Part(5)

@dataclass(frozen=True, slots=True)
class Mine:
    a: int = 1

    def scheduler(self):
        def local(x):
            return Part(x)
        return local(2), FirstCome(), RULE

    @property
    def name(self):
        return "mine"

    @staticmethod
    def fixed():
        return 0
'''


def digest(source: str) -> str:
    """The digest of `Mine` in a module of that source."""
    module: Any = ModuleType("somewhere")
    exec(compile(source, "somewhere.py", "exec"), module.__dict__)
    return code_digest(module.Mine)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 7", "LIMIT = 8"),
        ("return n + 1", "return n + 2"),
        ("return n + 1", "return n - 1"),
        ("more: int = 3", "more: int = 4"),
        ("a: int = 1", "a: int = 2"),
        ("self.more", "self.less"),
        ('"d"}', '"e"}'),
        ('{"x": 1}', '{"x": 2}'),
        ("Part(x)", "Part(-x)"),
        ("RULE = Part(5)", "RULE = Part(6)"),
        ("FirstCome()", "FirstCome(headroom=1)"),
        ('return "mine"', 'return "yours"'),
        ("return 0", "return None"),
        ("return 1", "return True"),
        ("import FirstCome", "import SwappedFirst as FirstCome"),
    ],
)
def test_the_digest_changes_with_what_is_decided(old: str, new: str) -> None:
    """Methods, what they name in their module, its bases, defaults, constants, and which library is used."""
    assert old in SOURCE
    assert digest(SOURCE.replace(old, new)) != digest(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("# a remark", "# another"), ('"""A module."""', "\n\n\n"), ("LIMIT = 7", "LIMIT = 7\nOTHER = 1")],
)
def test_the_digest_does_not_change_with_what_is_not(old: str, new: str) -> None:
    """Comments, lines, and names that nobody reads."""
    assert old in SOURCE
    assert digest(SOURCE.replace(old, new)) == digest(SOURCE)


def test_the_digest_is_that_of_another_process() -> None:
    """Whatever its hash seed: sets are told in an order of their own."""
    code = "from tests.api.test_fingerprint import SOURCE, digest; print(digest(SOURCE))"
    for seed in ("1", "2", "3"):
        done = subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == digest(SOURCE)
