"""Which format a file is in."""

from collections.abc import Callable, Mapping
from pathlib import Path

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.workload.csv_tables import open_csv, open_parquet
from s3sim.workload.files import bare_suffix
from s3sim.workload.formats import FORMATS, Format
from s3sim.workload.json_tables import open_json
from s3sim.workload.tables import Table

__all__ = ["open_as", "open_table"]

OPENERS: Mapping[str, Callable[[Path], Table]] = {
    ".csv": open_csv,
    ".parquet": open_parquet,
    ".json": open_json,
    ".jsonl": open_json,
}


def open_table(path: Path) -> Table:
    """The file as a table, whatever its columns mean; raises InputError for a suffix that no table has."""
    return OPENERS[_suffix(path, "auto")](path)


def open_as(
    path: Path, name: str, *, columns: Mapping[str, str], constants: Mapping[str, int]
) -> tuple[Table, str, Format]:
    """The file's table and its format: the one of that name or, for `auto`, the first that fits.

    Raises InputError for a file that no format fits, or not the named one, and says which it looks like;
    UnknownNameError for an unknown format.
    """
    if name != "auto" and name not in FORMATS:
        raise UnknownNameError("trace format", name, ["auto", *FORMATS])
    suffix = _suffix(path, name)
    table = OPENERS[suffix](path).renamed(columns).filled(constants)
    if name == "auto":
        name = _detected(table, suffix)
    form = FORMATS[name]
    _demand_columns(table, name, form)
    known = {*form.required, *form.optional}
    if unused := [column for column in (*columns, *constants) if column not in known]:
        raise UnknownNameError(f"column of format {name}", unused[0], known, place=str(path))
    return table, name, form


def _suffix(path: Path, name: str) -> str:
    suffix = bare_suffix(path)
    packed_table = path.suffix == ".gz" and suffix == ".parquet"
    if name != "auto":
        suffixes = FORMATS[name].suffixes
        return suffix if suffix in suffixes and not packed_table else suffixes[0]
    if suffix not in OPENERS or packed_table:
        raise InputError(f"{path}: no trace has this suffix; {', '.join(OPENERS)} have, or name its format")
    return suffix


def _fits(table: Table, form: Format) -> bool:
    return all(table.has(column) for column in form.required)


def _fitting(table: Table) -> list[str]:
    return [name for name, form in FORMATS.items() if _fits(table, form)]


def _detected(table: Table, suffix: str) -> str:
    fitting = [name for name in _fitting(table) if suffix in FORMATS[name].suffixes]
    if fitting:
        return fitting[0]
    names = "; ".join(f"{name}: {', '.join(form.required)}" for name, form in FORMATS.items())
    found = ", ".join(table.names)
    raise InputError(f"{table.path}: no known format has the columns {found}{_nearest(table)} (known: {names})")


def _nearest(table: Table) -> str:
    """The format with which the file has most columns in common, and what it lacks of it."""
    shares = {
        name: sum(table.has(column) for column in form.required) / len(form.required) for name, form in FORMATS.items()
    }
    name = max(shares, key=lambda name: shares[name])
    if not shares[name]:
        return ""
    lacking = [column for column in FORMATS[name].required if not table.has(column)]
    return f"; it looks most like format {name}, but lacks {', '.join(lacking)}"


def _demand_columns(table: Table, name: str, form: Format) -> None:
    missing = [column for column in form.required if not table.has(column)]
    if not missing:
        return
    fitting = _fitting(table)
    hint = f"; this looks like format {fitting[0]}" if fitting else _nearest(table)
    raise InputError(f"{table.path}: format {name} needs {', '.join(missing)}; found {', '.join(table.names)}{hint}")
