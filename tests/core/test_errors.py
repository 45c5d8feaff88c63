"""The errors: what a user sees, and what is a bug."""

import pytest

from s3sim.core.errors import InputError, InvariantError, S3SimError, SystemFaultError, UnknownNameError
from s3sim.policies.registry import SYSTEMS, system


def test_exit_codes_tell_bad_input_from_a_failing_machine() -> None:
    """Bad input exits with 2, a fault of the machine with 1."""
    assert {kind: kind.exit_code for kind in (InputError, UnknownNameError, SystemFaultError)} == {
        InputError: 2,
        UnknownNameError: 2,
        SystemFaultError: 1,
    }


def test_a_broken_law_is_not_an_error_of_the_user() -> None:
    """An InvariantError passes through every handler of S3SimError."""
    assert not issubclass(InvariantError, S3SimError)
    assert not issubclass(S3SimError, ValueError)


def test_an_unknown_name_lists_the_known_and_the_closest() -> None:
    """The message holds the name, its place, the closest name and all known ones in order."""
    error = UnknownNameError("system", "vlm", ["vllm", "orca"], place="a.yaml:3")
    assert str(error) == "a.yaml:3: unknown system 'vlm'; did you mean 'vllm'? (known: orca, vllm)"
    assert str(UnknownNameError("system", "xyz", ["orca"])) == "unknown system 'xyz' (known: orca)"


def test_the_registry_refuses_unknown_systems() -> None:
    """Every registered name is found, and no other."""
    assert all(system(name) is SYSTEMS[name] for name in SYSTEMS)
    with pytest.raises(UnknownNameError, match="unknown system 'orka'; did you mean 'orca'"):
        system("orka")
