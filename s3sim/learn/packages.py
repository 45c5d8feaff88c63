"""The packages of the extra `learn`, asked for before any of them is imported."""

from importlib.util import find_spec

from s3sim.core.errors import InputError

__all__ = ["demand_packages", "use_threads"]

PACKAGES = ("torch", "transformers", "sklearn", "safetensors", "tokenizers")


def demand_packages(*names: str) -> None:
    """Raise InputError, which names the extra, where one of these packages, by default of them all, is missing."""
    needed = names or PACKAGES
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise InputError(
            f"this length predictor needs the packages {', '.join(needed)}, and {', '.join(missing)} is not installed:"
            " pip install 's3sim[learn]'"
        )


def use_threads(count: int) -> None:
    """Let torch use so many threads of the processor; raises InputError where a package is missing."""
    demand_packages()
    import torch  # noqa: PLC0415 - only once it is known to be there

    torch.set_num_threads(count)
