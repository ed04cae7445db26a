"""Figures of matplotlib as inline SVG that takes its colours and its letters from the page, light or dark."""

from __future__ import annotations

import io
import warnings

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.page.svg import embedded

INK, MUTED, GRID, CARD = "#010101", "#020202", "#030303", "#040404"
"""Stand-ins that become the colours `--ink`, `--muted`, `--grid` and `--card` of the page."""

SERIES, REFERENCES = 10, 2
"""Colours of the style sheet for methods and for references; further ones take them again."""

DASHES = ("solid", (0, (5, 2)), (0, (1, 1.5)))
LONGEST = 22


def series(evaluation: Evaluation) -> list[str]:
    """Name of the page's colour of each method, such as `series-0`; references have greys of their own."""
    names: list[str] = []
    counts = {True: 0, False: 0}
    for method in evaluation.methods:
        grey = method.kind == "reference"
        names.append(f"reference-{counts[grey] % REFERENCES}" if grey else f"series-{counts[grey] % SERIES}")
        counts[grey] += 1
    return names


def stand_in(name: str) -> str:
    """The colour that matplotlib draws with, for a name of `series`."""
    kind, _, number = name.partition("-")
    return f"#{5 if kind == 'series' else 6:02x}00{int(number):02x}"


_NAMES = [f"series-{number}" for number in range(SERIES)] + [f"reference-{number}" for number in range(REFERENCES)]
_COLOURS = {INK: "ink", MUTED: "muted", GRID: "grid", CARD: "card"} | {stand_in(name): name for name in _NAMES}


def dash(index: int) -> str | tuple[float, tuple[float, ...]]:
    """Line style of the n-th method, another one each time the colours start anew."""
    return DASHES[index // SERIES % len(DASHES)]  # type: ignore[return-value]


def figure(width: float, height: float) -> Figure:
    """A transparent figure of so many page pixels; font sizes and line widths in it are in page pixels too."""
    new = Figure(figsize=(width / 72, height / 72))
    new.patch.set_visible(False)
    FigureCanvasSVG(new)
    return new


def axes(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    """Plain axes with margins in pixels, a quiet frame and small ticks."""
    width, height = figure.get_size_inches() * 72
    area = (left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height)
    new = figure.add_axes(area, facecolor="none")
    for side, spine in new.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(GRID)
    new.tick_params(colors=MUTED, labelcolor=MUTED, labelsize=11, length=3, width=1, color=GRID)
    return new


def write(axes: Axes, x: float, y: float, text: str, **options: object) -> Text:
    """A label: never a formula, cut where it is too long."""
    defaults: dict[str, object] = {"color": INK, "fontsize": 11.5, "va": "center", "parse_math": False}
    return axes.text(x, y, shortened(text), **(defaults | options))  # type: ignore[arg-type]


def shortened(text: str) -> str:
    """A name that fits beside a plot.

    >>> shortened("a_method_with_a_very_long_name")
    'a_method_with_a_very_…'
    """
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def label_width(names: list[str], size: float = 11.5) -> float:
    """Pixels that the longest of the shortened names takes, in any usual font."""
    return max((len(shortened(name)) for name in names), default=0) * size * 0.6 + 8


def inline(figure: Figure, name: str, label: str) -> Markup:
    """The figure as an element of the page.

    Args:
        figure: what was drawn.
        name: unique in the page; ids inside begin with it, so that they are unique too.
        label: what the figure shows, for readers that do not see it.
    """
    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the page's fonts draw the text, not matplotlib's
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return embedded(text.getvalue(), name, label, _COLOURS)
