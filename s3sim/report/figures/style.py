"""The look that all figures share, and of each system: a colour, a marker and a line."""

from collections.abc import Callable, Iterable
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple, ParamSpec

import matplotlib.style
import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image  # comes with Matplotlib

__all__ = ["Look", "Picture", "darker", "in_style", "looks", "save"]

P = ParamSpec("P")
RC = {
    "figure.dpi": 120,
    "savefig.dpi": 160,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "figure.titlesize": 11.5,
    "legend.frameon": False,
    "hatch.linewidth": 0.5,
    "svg.hashsalt": "s3sim",
    "svg.fonttype": "path",
}


SHOWN_DPI, SHOWN_WIDTH = 100, 1000  # dots per inch in a notebook, and dots at most: as wide as its text
SHOWN_COLOURS = 256  # there, the most common ones: a third of the bytes that all take, and no difference to see


class Picture(Figure):
    """A figure that a notebook shows by itself, whether pyplot is there or not."""

    def _repr_png_(self) -> bytes:
        drawn, png = BytesIO(), BytesIO()
        with matplotlib.style.context(["default", RC]):
            self.savefig(drawn, format="png", dpi=min(SHOWN_DPI, SHOWN_WIDTH / self.get_size_inches()[0]))
        _with_few_colours(Image.open(drawn).convert("RGB")).save(png, format="png", optimize=True)
        return png.getvalue()


def _with_few_colours(image: Image.Image) -> Image.Image:
    """The image in its most common colours, the others by the nearest of them: shades at the edges of letters."""
    red, green, blue = np.asarray(image, np.int64).transpose(2, 0, 1)
    codes, place, counts = np.unique(red << 16 | green << 8 | blue, return_inverse=True, return_counts=True)
    parts = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
    common = parts[np.argsort(-counts, kind="stable")[:SHOWN_COLOURS]]
    distances = (common**2).sum(axis=1) - 2 * parts @ common.T  # squared, but for what all have in common
    nearest = distances.argmin(axis=1)[place].reshape(red.shape)
    shown = Image.fromarray(nearest.astype(np.uint8), mode="P")
    shown.putpalette(common.ravel().tolist())
    return shown


class Look(NamedTuple):
    """How a system is drawn, wherever it is drawn; told apart without colour too."""

    colour: str
    marker: str
    line: Literal["-"] | tuple[float, tuple[float, ...]]


DASHED = (0, (5, 2))  # oracles
MIXED = (0, (3, 1, 1, 1))  # variants, and engines of today
DOTTED = (0, (1, 1))  # static batches

# To normal, protan, deutan and tritan eyes (Machado et al., 2009) the first five, which most figures hold, are at
# least 30 apart (CIE76), the first twelve at least 19: the most that a search found for those hues beside the first
# five. The rivals are at least 17 from all and from each other, likewise.
KNOWN = {
    "orca": Look("#D55E00", "o", "-"),
    "s3": Look("#046CEE", "s", "-"),
    "oracle_bucket": Look("#57CD7C", "^", DASHED),
    "oracle_exact": Look("#0D4D27", "D", DASHED),
    "vllm": Look("#903692", "v", "-"),
    "vllm_swap": Look("#F078E1", "X", MIXED),
    "sarathi": Look("#1E00C3", "h", MIXED),
    "tgi": Look("#008769", "<", MIXED),
    "orca_pow2": Look("#F0C300", "P", DASHED),
    "fastertransformer": Look("#694B00", ">", DOTTED),
    "huggingface": Look("#A5A5A5", "p", DOTTED),
    "huggingface_static_cache": Look("#2D2D3C", "d", DOTTED),
    "past_future": Look("#C3693C", "*", MIXED),
    "ssjf": Look("#A5D25A", "H", DASHED),
    "ltr": Look("#E1005A", "8", MIXED),
    "trail": Look("#4B0087", "1", MIXED),
    "a_min": Look("#A578A5", "2", DASHED),
    "a_max": Look("#3C004B", "3", DASHED),
}
SPARE = (
    Look("#E69F00", "4", MIXED),
    Look("#56B4E9", "_", MIXED),
    Look("#7A5195", ".", MIXED),
    Look("#8C6D31", "+", MIXED),
    Look("#777777", "x", DOTTED),
    Look("#B22222", "|", DOTTED),
)


def looks(systems: Iterable[str]) -> dict[str, Look]:
    """A look for each name: the known systems always have theirs, others take spare ones by order of name."""
    names = list(dict.fromkeys(systems))
    others = sorted(name for name in names if name not in KNOWN)
    spare = {name: SPARE[index % len(SPARE)] for index, name in enumerate(others)}
    return {name: KNOWN[name] if name in KNOWN else spare[name] for name in names}


def darker(colour: str) -> str:
    """The colour as it is used for text, which needs more contrast than a line."""
    red, green, blue = to_rgb(colour)
    return to_hex((0.7 * red, 0.7 * green, 0.7 * blue))


def in_style(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """The drawing function, run under this look and matplotlib's defaults, whatever the user has set."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.style.context(["default", RC]):
            return draw(*args, **kwargs)

    return styled


def save(figure: Figure, path: Path, *, dpi: int | None = None) -> None:
    """Write a figure, at other dots per inch than the style's if told; the same figure gives the same bytes."""
    with matplotlib.style.context(["default", RC]):
        figure.savefig(path, dpi=dpi or RC["savefig.dpi"], metadata={"Date": None} if path.suffix == ".svg" else None)
