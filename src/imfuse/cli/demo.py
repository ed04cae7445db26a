"""`imfuse demo`: a pair of pictures from the scene simulator, fused, with a contact sheet."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from imfuse.cli._options import add_report_options, load_fuser

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from imfuse.images.image import Pixels
    from imfuse.scenes import Scene


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options; nothing heavy is imported for that."""
    parser.add_argument("-o", "--output", metavar="DIR", default="demo", help="folder for the pictures")
    parser.add_argument("--model", default="ivif", help="a name that `imfuse models` shows, or a model folder")
    parser.add_argument("--seed", type=int, default=53, metavar="N", help="another number, another scene")
    add_report_options(parser)


def run(arguments: Namespace) -> int:
    """Make a night street, fuse it, and say where everything lies.

    Raises:
        ImfuseError: the model is unknown, or the folder cannot be written to.
    """
    from imfuse.cli._report import print_json, say, versions
    from imfuse.images.files import write_image
    from imfuse.scenes import simulate

    fuser = load_fuser(arguments.model, threads=None, memory=None)
    scene = simulate(seed=arguments.seed, darkness=0.85, glare=0.4)
    fuser(scene.infrared, scene.visible)
    start = time.perf_counter()
    fused = fuser(scene.infrared, scene.visible)
    milliseconds = (time.perf_counter() - start) * 1000
    folder = Path(arguments.output)
    paths = {name: folder / f"{name}.png" for name in ("infrared", "visible", "fused", "sheet")}
    for path, pixels in zip(paths.values(), _pictures(scene, fused), strict=True):
        write_image(path, pixels)
    if arguments.json:
        files = {name: str(path) for name, path in paths.items()}
        print_json({**files, "model": fuser.name, "milliseconds": round(milliseconds, 2), "versions": versions()})
        return 0
    height, width = fused.shape[:2]
    lines = [f"{name:8}  {path}" for name, path in paths.items()]
    lines += [f"fused {width}x{height} by {fuser.name} in {milliseconds:.1f} ms"]
    say("\n".join(lines), quiet=arguments.quiet)
    return 0


def _pictures(scene: Scene, fused: Pixels) -> tuple[Pixels, ...]:
    """What is written, in the order of the names."""
    from imfuse.images.sheet import fusion_sheet

    sheet = fusion_sheet([scene.infrared, scene.visible], ["infrared", "visible"], fused)
    return scene.infrared, scene.visible, fused, sheet
