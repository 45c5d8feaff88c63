"""The anchors: at most 80 published figures, each with its source, that the package carries."""

from pathlib import Path
from typing import Final

__all__ = ["ANCHORS"]

# Single figures out of vendors' and projects' tables, named in the column `source`: enough of every kind of row to
# see at once whether a change of the latency model has broken it. The constants were fitted to more rows.
ANCHORS: Final = Path(__file__).with_name("anchors.csv")
