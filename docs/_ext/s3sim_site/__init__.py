"""What the site holds besides its own pages: text from the code and from files of the repository.

A page asks for it by a comment on a line of its own, which other readers of Markdown do not show:

    <!-- insert: NAME ARGUMENT ... -->
"""

from typing import Any

from s3sim_site.pages import page_text

__all__ = ["setup"]


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read(app: Any, name: str, source: list[str]) -> None:
    text = page_text(source[0], name)
    if text != source[0]:
        app.env.note_reread()  # what it is made of may change while the page does not
    source[0] = text
