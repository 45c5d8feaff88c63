"""The packages of the extra `learn`, asked for before any of them is imported."""

from importlib.util import find_spec

from s3sim.core.errors import InputError

__all__ = ["demand_packages", "use_threads"]

PACKAGES = ("torch", "transformers", "sklearn", "safetensors", "tokenizers")


def demand_packages() -> None:
    """Raise InputError, which names the extra, where one of them is missing."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(
            f"length predictors need the packages {', '.join(PACKAGES)}, and {', '.join(missing)} is not installed:"
            " pip install 's3sim[learn]'"
        )


def use_threads(count: int) -> None:
    """Let torch use so many threads of the processor; raises InputError where a package is missing."""
    demand_packages()
    import torch  # noqa: PLC0415 - only once it is known to be there

    torch.set_num_threads(count)
