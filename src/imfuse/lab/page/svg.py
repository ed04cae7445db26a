"""SVG that matplotlib wrote as an element of a page, with the page's colours and letters, light or dark."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import Markup, escape


def embedded(svg: str, name: str, label: str, colours: Mapping[str, str]) -> Markup:
    """The picture as an element of the page.

    Groups whose id is `data-<key>-<value>` become ones of the attribute `data-<key>`.

    Args:
        svg: the text of the file.
        name: unique in the page; ids inside begin with it, so that they are unique too.
        label: what the picture shows, for readers that do not see it.
        colours: those in the file, such as `#010101` -> the page's variable without its dashes, such as `ink`.

    Example:
        >>> svg = '<svg viewBox="0 0 4 3"><g id="axes_1"><path style="fill: #010101"/></g></svg>'
        >>> print(embedded(svg, "plot", "A plot", {"#010101": "ink"}))
        <svg class="plot" role="img" aria-label="A plot" viewBox="0 0 4 3" width="4"><g><path
        style="fill: var(--ink)"/></g></svg>
    """
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()  # type: ignore[union-attr]
    head = f'<svg class="plot" role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}" width="{width}">'
    body = re.sub(r"<[^>]*>", lambda tag: _tag(tag[0], name, colours), svg[svg.index(">") + 1 :])
    return Markup(head + body.strip())


def _tag(tag: str, name: str, colours: Mapping[str, str]) -> str:
    tag = re.sub(r"\s+", " ", tag)
    tag = re.sub(r'^<g id="data-([a-z]+)-([^"]*)"', r'<g data-\1="\2"', tag)
    tag = re.sub(r'^<g id="[^"]*"', "<g", tag)
    tag = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", tag)
    tag = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", tag)
    tag = re.sub(r" ?font-family: [^;\"]*;?", "", tag)
    return re.sub("#[0-9a-f]{6}", lambda colour: _themed(colour[0], colours), tag)


def _themed(colour: str, colours: Mapping[str, str]) -> str:
    return f"var(--{colours[colour]})" if colour in colours else colour
