"""`Chart`: a plot as SVG that the page's style colours; every mark has a class and no colour of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from imfuse.lab.search.page.axis import Axis
from imfuse.lab.search.page.words import tick

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Margins:
    """Pixels round the area of a plot."""

    left: float = 46
    top: float = 20
    right: float = 16
    bottom: float = 40


class Chart:
    """A plot that is drawn from behind to the front.

    Args:
        x: the axis to the right.
        y: the axis upwards.
        width: of the whole, in pixels of the page where it is shown at its own size.
        height: of the whole.
        margins: round the area between the axes.
    """

    def __init__(
        self, x: Axis, y: Axis, width: float = 420, height: float = 270, margins: Margins | None = None
    ) -> None:
        margins = margins or Margins()
        self.x, self.y, self.width, self.height = x, y, width, height
        self.left, self.top = margins.left, margins.top
        self.right, self.bottom = width - margins.right, height - margins.bottom
        self._marks: list[str] = []

    def across(self, value: float) -> float:
        """Pixels from the left side to a value."""
        return self.left + self.x.share(value) * (self.right - self.left)

    def down(self, value: float) -> float:
        """Pixels from the upper side to a value."""
        return self.bottom - self.y.share(value) * (self.bottom - self.top)

    def frame(self, x_name: str, y_name: str, x_ticks: int = 5, y_ticks: int = 5) -> None:
        """Grid, ticks, and the names of the axes."""
        for value in self.y.ticks(y_ticks):
            height = self.down(value)
            self.rule(self.left, height, self.right, height, "grid")
            self.write(self.left - 6, height, tick(value), "tick", "end")
        for value in self.x.ticks(x_ticks):
            place = self.across(value)
            self.rule(place, self.bottom, place, self.bottom + 4, "grid")
            self.write(place, self.bottom + 13, tick(value), "tick", "middle")
        self.rule(self.left, self.bottom, self.right, self.bottom, "base")
        if x_name:
            self.write((self.left + self.right) / 2, self.height - 7, x_name, "name", "middle")
        if y_name:
            self.write(2, 8, y_name, "name", "start")

    def line(self, x: Sequence[float], y: Sequence[float], kind: str) -> None:
        """A line through points."""
        if len(x) == 1:
            self.dot(x[0], y[0], f"{kind} end", radius=2)
            return
        points = (f"{self.across(a):.1f} {self.down(b):.1f}" for a, b in zip(x, y, strict=True))
        self._add("path", {"class": kind, "d": f"M{'L'.join(points)}"})

    def steps(self, x: Sequence[float], y: Sequence[float], kind: str, until: float) -> None:
        """A line that keeps each value until the next, and the last until the end."""
        path = f"M{self.across(x[0]):.1f} {self.down(y[0]):.1f}"
        path += "".join(f"H{self.across(a):.1f}V{self.down(b):.1f}" for a, b in zip(x[1:], y[1:], strict=True))
        self._add("path", {"class": kind, "d": f"{path}H{self.across(until):.1f}"})

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float], kind: str) -> None:
        """The area between two lines."""
        there = [f"{self.across(a):.1f} {self.down(b):.1f}" for a, b in zip(x, low, strict=True)]
        back = [f"{self.across(a):.1f} {self.down(b):.1f}" for a, b in zip(x, high, strict=True)][::-1]
        self._add("path", {"class": kind, "d": f"M{'L'.join([*there, *back])}Z"})

    def area(self, begin: float, end: float, kind: str) -> None:
        """Everything between two values of x."""
        left, right = self.across(begin), self.across(end)
        shape = {"x": f"{left:.1f}", "y": f"{self.top:g}", "width": f"{right - left:.1f}"}
        self._add("rect", {"class": kind, **shape, "height": f"{self.bottom - self.top:g}"})

    def dot(self, x: float, y: float, kind: str, *, radius: float = 4, tip: str = "") -> None:
        """A point, with words that a pointer over it brings up."""
        place = {"cx": f"{self.across(x):.1f}", "cy": f"{self.down(y):.1f}", "r": f"{radius:g}"}
        self._add("circle", {"class": kind, **place}, Markup("<title>{}</title>").format(tip) if tip else "")

    def cross(self, x: float, kind: str, *, tip: str = "") -> None:
        """A cross at the upper side, for what lies beyond."""
        left, size = self.across(x), 3.5
        strokes = f"m{-size} {-size}l{2 * size} {2 * size}m0 {-2 * size}l{-2 * size} {2 * size}"
        path = f"M{left:.1f} {self.top + 5:.1f}{strokes}"
        self._add("path", {"class": kind, "d": path}, Markup("<title>{}</title>").format(tip) if tip else "")

    def rule(self, x0: float, y0: float, x1: float, y1: float, kind: str) -> None:
        """A straight line between two places in pixels."""
        ends = {"x1": x0, "y1": y0, "x2": x1, "y2": y1}
        self._add("line", {"class": kind, **{name: f"{value:.1f}" for name, value in ends.items()}})

    def write(self, x: float, y: float, text: str, kind: str, anchor: Anchor = "start") -> None:
        """Words with their middle at a height in pixels."""
        place = {"x": f"{x:.1f}", "y": f"{y + 3.8:.1f}", "text-anchor": anchor}
        self._add("text", {"class": kind, **place}, text)

    def svg(self, label: str) -> Markup:
        """The element for the page; `label` says what it shows to readers that do not see it."""
        head = Markup('<svg class="plot chart" role="img" aria-label="{}" viewBox="0 0 {:g} {:g}">')
        return head.format(label, self.width, self.height) + Markup("".join(self._marks) + "</svg>")

    def _add(self, name: str, attributes: dict[str, str], inside: str = "") -> None:
        written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
        self._marks.append(f"<{name}{written}>{escape(inside)}</{name}>" if inside else f"<{name}{written}/>")
