"""`Sketch`: boxes, arrows and words in points, black on white, for pictures of networks."""

from __future__ import annotations

import io
from functools import cache
from typing import Literal

from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, FancyBboxPatch
from matplotlib.textpath import text_to_path

PICTURE_FORMATS = ("png", "svg")
NORMAL, SMALL = 9.0, 7.5
INK, QUIET = "#000000", "#555555"
PAPER, SHADE, FRAME = "#ffffff", "#f4f4f4", "#999999"
DOTS_PER_INCH = 144
_POINTS = 72
# Without the user's own style, and with a font that comes with matplotlib, so that words fit their boxes everywhere.
_STYLE = ("default", {"svg.fonttype": "path"})


class Sketch:
    """A picture whose x goes right and y goes down, both in points.

    Args:
        width: of the picture.
        height: of the picture.

    Attributes:
        figure: what is drawn so far.
    """

    def __init__(self, width: float, height: float) -> None:
        with style.context(_STYLE):
            self.figure = Figure(figsize=(width / _POINTS, height / _POINTS), facecolor=PAPER)
            FigureCanvasAgg(self.figure)
            self._axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        self._axes.set_axis_off()

    def box(self, x: float, y: float, width: float, height: float, *, fill: str = PAPER, edge: str = INK) -> None:
        """A box with round corners, by its left upper corner."""
        corners = "round,pad=0,rounding_size=3"
        self._axes.add_patch(
            FancyBboxPatch((x, y), width, height, boxstyle=corners, facecolor=fill, edgecolor=edge, linewidth=0.9)
        )

    def write(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = NORMAL,
        bold: bool = False,
        colour: str = INK,
        upwards: bool = False,
        align: Literal["left", "center", "right"] = "center",
    ) -> None:
        """Words on one line with their middle at height y."""
        if text:
            self._axes.text(
                x, y, text, fontproperties=_font(size, bold), color=colour, rotation=90 if upwards else 0,
                ha=align, va="center_baseline" if not upwards else "center", parse_math=False,
            )  # fmt: skip

    def path(self, *points: tuple[float, float]) -> None:
        """A line through points."""
        self._axes.plot(*zip(*points, strict=True), color=INK, linewidth=0.9, solid_capstyle="butt")

    def arrow(self, *points: tuple[float, float]) -> None:
        """A line through points whose last piece goes right or down, with a head at its end."""
        self.path(*points)
        (_, start), (x, y) = points[-2:]
        goes_right = start == y
        head = (
            [(x - 4, y - 2.2), (x, y), (x - 4, y + 2.2)] if goes_right else [(x - 2.2, y - 4), (x, y), (x + 2.2, y - 4)]
        )
        self._axes.fill(*zip(*head, strict=True), color=INK, linewidth=0)

    def plus(self, x: float, y: float, radius: float = 5) -> None:
        """A circled plus: a sum."""
        self._axes.add_patch(Circle((x, y), radius, facecolor=PAPER, edgecolor=INK, linewidth=0.9))
        self.path((x - radius, y), (x + radius, y))
        self.path((x, y - radius), (x, y + radius))

    def encoded(self, picture_format: Literal["png", "svg"], salt: str = "") -> bytes:
        """The picture as a file; the same bytes for the same drawing.

        Args:
            picture_format: one of `PICTURE_FORMATS`.
            salt: goes into the ids inside an SVG, so that several fit in one page.
        """
        stream = io.BytesIO()
        metadata = {"Date": None, "Creator": None} if picture_format == "svg" else {"Software": None}
        with style.context((*_STYLE, {"svg.hashsalt": salt})):
            self.figure.savefig(stream, format=picture_format, dpi=DOTS_PER_INCH, metadata=metadata)
        return stream.getvalue()


def text_width(text: str, size: float = NORMAL, *, bold: bool = False) -> float:
    """Points that words take in a line."""
    return text_to_path.get_text_width_height_descent(text, _font(size, bold), False)[0]


@cache
def _font(size: float, bold: bool) -> FontProperties:
    return FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
