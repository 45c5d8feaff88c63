"""The site: `sphinx-build -W --keep-going docs build/site`.

Nothing is fetched, neither when it is built nor when it is read.
"""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent / "_ext"), str(Path(__file__).parents[1])]

project = "s3sim"
extensions = ["myst_parser", "sphinx.ext.autodoc", "s3sim_site"]
exclude_patterns = ["_ext"]

html_theme = "furo"  # maintained; reads well at 400 px and in the dark; brings its own styles and needs no network
html_title = "s3sim"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = html_show_copyright = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4  # the anchors that GitHub gives, so that a link holds in both places

highlight_language = "none"
smartquotes = False  # `--set` is to stay two hyphens

nitpicky = True
default_role = "code"  # single backticks of docstrings, as Markdown has them
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True  # as they are written, and not as their values print
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
# Types in signatures that no page of this site describes: other packages' own, and the project's inner ones.
OTHERS = "collections|numpy|pandas|np|pd|pathlib|typing|enum|array|matplotlib"
INNER = (
    *("Lane", "s3sim.core.growth.Growth", "s3sim.experiment.schema.models.Experiment"),
    *("Figure", "s3sim.workload.texts.TextPair", "PointPlots", "RunPlots"),
    *("Evaluation", "Learnt", "LengthModel", "OnStep", "Recorded"),  # of the extra `learn`
    *("s3sim.capacity.axes.Axis", "s3sim.capacity.search.Span"),
    *(f"s3sim.{module}.{name}" for module in ("core.protocols", "policies.admission") for name in ("Q", "Q_contra")),
)
nitpick_ignore = [("py:class", name) for name in INNER]
nitpick_ignore_regex = [
    ("py:.*", rf"(?:{OTHERS})\b.*"),
    ("py:class", r"s3sim\.calibration\.(?:fit|skips|quality|check)\.\w+|s3sim\.paper\.studies\.Search"),
    ("py:class", r"s3sim\.report\.(?:compare\.runs\.Comparison|timeline\.parts\.Timeline)"),
]

linkcheck_anchors = False  # pages that build themselves in the browser have none to find
linkcheck_timeout = 20  # seconds
