"""`imfuse export`: make a model that `imfuse fuse` can use out of a training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", metavar="RUN", help="folder of a training, as given to `imfuse train -o`")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="gets model.onnx and its card")
    parser.add_argument("--name", help="name of the model; that of the recipe if not given")
    parser.add_argument("--licence", default="not stated", help="terms of the weights, for the card")
    parser.add_argument("--half", action="store_true", help="round the weights to 16 bits; half the size to keep")
    parser.add_argument("--remark", help="how far it was trained and what it is for, for the card; else the recipe's")


def run(arguments: Namespace) -> int:
    """Export, and say what was made.

    Raises:
        TrainingError: there is no training, or a check of the exported model fails.
    """
    from imfuse.lab.training.export import export_run

    folder = Path(arguments.output)
    options = {name: getattr(arguments, name) for name in ("name", "licence", "remark", "half")}
    card = export_run(Path(arguments.run), folder, **options)
    reach = "fuses pictures whole" if card.margin is None else f"margin {card.margin}"
    print(
        f"{folder}: {card.name}, {card.parameters} parameters, {card.macs_per_pixel} MACs a pixel, {reach}; "
        f"use it by `imfuse fuse A B --model {folder} -o OUT`"
    )
    return 0
