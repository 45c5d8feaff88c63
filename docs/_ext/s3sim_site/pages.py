"""A page's text as the site has it: what it asks for inserted, links to files of the repository led to their pages."""

import re
from os.path import relpath
from pathlib import Path

from s3sim_site.inserts import INSERTS
from s3sim_site.repository import DOCS, PAGES, ROOT

__all__ = ["page_text"]

INSERT = re.compile(r"^<!-- insert: (.+?) -->$", re.MULTILINE)
FENCED = re.compile(r"(^(```+|~~~+).*?^\2[ \t]*$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")


def page_text(text: str, name: str) -> str:
    """The text of the page `name` (its path in docs, without suffix); raises KeyError for an unknown insert."""
    page = DOCS / f"{name}.md"
    own = _led(text, at=page, page=page)
    return INSERT.sub(lambda found: _inserted(found[1].split(), page), own)


def _inserted(words: list[str], page: Path) -> str:
    made = INSERTS[words[0]](*words[1:])
    return made if isinstance(made, str) else _led(made.text, at=made.path, page=page)


def _led(text: str, *, at: Path, page: Path) -> str:
    """The text of a file `at` its place, with links as they must be on the page; code is left alone."""
    parts = FENCED.split(text)
    return "".join(
        part if index % 3 == 1 else LINK.sub(lambda found: _link(found, at, page), part)
        for index, part in enumerate(parts)
        if index % 3 != 2  # the fence itself, which the block before holds too
    )


def _link(found: re.Match[str], at: Path, page: Path) -> str:
    target = found[2]
    if re.match(r"[a-z]+:", target):
        return found[0]
    path = (at.parent / target).resolve()
    try:
        known = str(path.relative_to(ROOT))
    except ValueError:
        return found[0]
    shown = DOCS / PAGES[known] if known in PAGES else path
    return f"{found[1]}{relpath(shown, page.parent)}{found[3]}"
