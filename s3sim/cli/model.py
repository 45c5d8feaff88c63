"""`s3sim model`: models from elsewhere as fields of an experiment."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3sim.core.errors import InputError, SystemFaultError

if TYPE_CHECKING:
    from s3sim.hardware.hf_config import ImportedModel

__all__ = ["app", "write_new"]

app = typer.Typer(help="Describe models for experiments.", no_args_is_help=True, rich_markup_mode=None)


@app.command(name="import")
def import_model(
    config: Annotated[Path, typer.Argument(help="A Hugging Face config.json.")],
    name: Annotated[str | None, typer.Option(help="The model's name; by default the config's own.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.yaml", help="Write the block to a new file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of YAML.")] = False,
) -> None:
    """Print a model for an experiment.

    The `model:` block of an experiment YAML for a model's config.json, to paste.

    Families: GPT-2, GPT-J, GPT-NeoX and Pythia, OPT, LLaMA, Mistral, Qwen, Qwen2, Qwen3.

    Weights are not read. Lines that begin with # say what follows from the fields, and what they cannot say.

    \b
    Examples:
      s3sim model import config.json
      s3sim model import config.json --name mine --out model.yaml
    """
    from s3sim.api.model import read_config  # noqa: PLC0415

    imported = read_config(config, name=name)
    if out is not None:
        write_new(out, yaml_block(imported))
    if as_json:
        typer.echo(json.dumps(_facts(imported), indent=1))
    elif out is None:
        typer.echo(yaml_block(imported), nl=False)
    else:
        typer.echo(f"written: {out}")


def yaml_block(imported: "ImportedModel") -> str:
    """The `model:` mapping with all that differs from a ModelSpec's defaults, and remarks as comments."""
    from s3sim.api.model import as_fields  # noqa: PLC0415 - --help is to be quick

    spec = imported.model
    remarks = (
        f"{spec.parameters:,} parameters, {spec.weight_bytes / 1e9:.2f} GB of {spec.weight_dtype} weights",
        f"{spec.kv_bytes_per_token:,} bytes of KV cache per token",
        *(f"note: {note}" for note in imported.notes),
    )
    fields = (f"  {key}: {json.dumps(value)}" for key, value in as_fields(imported).items())  # JSON scalars are YAML's
    return "\n".join((*(f"# {remark}" for remark in remarks), "model:", *fields)) + "\n"


def _facts(imported: "ImportedModel") -> dict[str, Any]:
    from s3sim.api.model import as_fields  # noqa: PLC0415

    spec = imported.model
    return {
        "model": as_fields(imported),
        "parameters": spec.parameters,
        "weight_bytes": spec.weight_bytes,
        "kv_bytes_per_token": spec.kv_bytes_per_token,
        "notes": list(imported.notes),
    }


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; raises InputError where it is, SystemFaultError where it cannot be."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path}: exists already; choose another name, or remove it first") from None
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: its folder does not exist; make it first") from None
    except OSError as error:
        raise SystemFaultError(f"{path}: cannot be written: {error.strerror}") from error
