"""The packages of the extra `torch`, asked for before any of them is imported."""

from importlib.util import find_spec

from s3sim.core.errors import InputError

__all__ = ["demand_torch"]

PACKAGES = ("torch", "transformers", "safetensors")


def demand_torch(what: str, otherwise: str = "") -> None:
    """Raise InputError, which names the extra, where `what` lacks a package; `otherwise` is another way out."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(
            f"{what}: runs a model on this machine, and for that {', '.join(missing)} must be installed:"
            f" pip install 's3sim[torch]'{otherwise}"
        )
