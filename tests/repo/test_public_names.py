"""Every module says what it is, and exports only what it has."""

import inspect
import pkgutil

import pytest

import s3sim
from tests.support.extras import imported

MODULES = sorted(module.name for module in pkgutil.walk_packages(s3sim.__path__, "s3sim."))


@pytest.mark.parametrize("name", MODULES)
def test_a_module_exports_what_it_has(name: str) -> None:
    """`__all__` names only things that exist, each once; every exported class and function has a docstring."""
    module = imported(name)
    assert module.__doc__, f"{name} has no docstring"
    exported = getattr(module, "__all__", [])
    assert len(set(exported)) == len(exported)
    missing = [entry for entry in exported if not hasattr(module, entry)]
    assert not missing, f"{name} exports {missing}, which it does not have"
    silent = [
        entry
        for entry in exported
        if (inspect.isclass(getattr(module, entry)) or inspect.isfunction(getattr(module, entry)))
        and not inspect.getdoc(getattr(module, entry))
    ]
    assert not silent


def test_the_package_exports_its_api() -> None:
    """Every name of s3sim is found when it is asked for; another is an AttributeError as elsewhere."""
    for name in s3sim.__all__:
        assert inspect.getdoc(getattr(s3sim, name))
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        s3sim.nonsense  # noqa: B018
