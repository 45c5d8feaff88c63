"""The notebooks, each with its title."""

import json

from s3sim_site.repository import ROOT, Part
from s3sim_site.texts import plain

__all__ = ["notebooks"]


def notebooks() -> Part:
    """A line for each notebook, in the order of their numbers: a link to the file, and its first heading."""
    folder = ROOT / "notebooks"
    titles = {path.name: _title(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.ipynb"))}
    lines = [f"- [{name}]({name}): {plain(title)}" for name, title in titles.items()]
    return Part(folder / "README", "\n".join(lines))


def _title(text: str) -> str:
    first = json.loads(text)["cells"][0]["source"]
    return "".join(first).splitlines()[0].removeprefix("# ")
