"""Pages that hold all they show and load nothing from elsewhere: their frame, their base of style, their pictures.

A page of its own has a folder with a template, which extends `base.html.jinja` and fills its blocks, and a `style.css`,
which adds to `base.css`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from imfuse import __version__

FOLDER = Path(__file__).parent
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Ccircle cx='12' cy='16' r='11' fill='%23e8590c'/%3E"
    "%3Ccircle cx='20' cy='16' r='11' fill='%231c7ed6' fill-opacity='.75'/%3E%3C/svg%3E"
)


def render(folder: Path, template: str, title: str, values: dict[str, Any], scripts: tuple[str, ...] = ()) -> bytes:
    """A page as the bytes of its file.

    Args:
        folder: of the page's own template and style.
        template: name of the template in it.
        title: of the page.
        values: what the template fills in; texts are escaped, `Markup` is not.
        scripts: names of files in the folder, which are run one after the other; none for a page without scripts.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    frame = {
        "version": __version__,
        "icon": ICON,
        "title": title,
        "style": _read(FOLDER / "base.css") + _read(folder / "style.css"),
        "script": Markup().join(_read(folder / name) for name in scripts),
    }
    return environment.get_template(template).render(frame | values).encode("utf-8", "backslashreplace")


def _read(path: Path) -> Markup:
    """A file of these packages, which is put into the page as it is."""
    return Markup(path.read_text(encoding="utf-8"))
