"""Train the recipe `ivif` with each loss alone, and make the pictures of docs/losses.md of what comes out.

    python docs/loss_pictures.py --root DATA                  # DATA holds the folders that recipes/ivif.yaml names
    python docs/loss_pictures.py --root DATA --only ssim tim  # some of them
    python docs/loss_pictures.py --steps 2 --simulated        # without any pictures, to try

Trainings that are finished are left as they are, interrupted ones go on. The picture is a simulated night street.
Features are those of MobileNetV2, whose weights torchvision fetches unless TORCH_HOME holds them.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pictures import night_street

from imfuse import Fuser
from imfuse.images.files import write_image
from imfuse.images.sheet import average, for_display
from imfuse.lab.training.export import export_run
from imfuse.lab.training.loop import train
from imfuse.lab.training.recipe_files import find_recipe, read_recipe

WIDTH, QUALITY = 288, 82
STEPS, FEWER_STEPS = 500, dict.fromkeys(("perceptual", "texture", "content_style", "tim", "fusiondn"), 200)
RATES = {"fusiondn": 5e-4}
"""Of the losses that do not learn at the recipe's learning rate of 2e-3, which drives the network to its limits."""
LICENCE = "none: a training to look at"

TERMS: dict[str, dict[str, Any]] = {
    "mse": {},
    "mae": {},
    "smooth_l1": {},
    "charbonnier": {},
    "intensity": {"target": "maximum"},
    "max_intensity": {},
    "gradient": {},
    "edge_preserving": {},
    "joint_gradient": {},
    "max_gradient": {},
    "total_variation": {},
    "ssim": {},
    "ms_ssim": {},
    "edge_transfer": {},
    "visual_information": {},
    "correlation": {},
    "correlation_differences": {},
    "contrast": {},
    "sharpness": {},
    "nearest_intensity": {},
    "halo": {},
    "mef_ssim": {},
    "exposedness": {},
    "perceptual": {"network": "mobilenet_v2"},
    "texture": {"network": "mobilenet_v2"},
    "content_style": {"network": "mobilenet_v2"},
    "tim": {"weights": "features", "network": "mobilenet_v2"},
    "visual": {"weights": "saliency"},
    "sdnet": {},
    "crossfuse": {},
    "fusiondn": {"network": "mobilenet_v2"},
}
"""Options of each loss that compares a fused image with its sources, but for `out_of_range`, which shows nothing."""


def main() -> None:
    """Train, export and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/losses"))
    parser.add_argument("--steps", type=int, help="in place of 500, or 200 of losses that cost ten times as much")
    parser.add_argument("--only", nargs="+", choices=TERMS, default=list(TERMS), metavar="LOSS")
    parser.add_argument("--simulated", action="store_true", help="train on simulated scenes, small, and on no pictures")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent / "images" / "losses")
    arguments = parser.parse_args()
    sources = night_street()
    for name, picture in {**sources, "average": average([*map(for_display, sources.values())])}.items():
        draw(arguments.folder / f"{name}.jpg", picture)
    for name in arguments.only:
        draw(arguments.folder / f"{name}.jpg", Fuser.load(trained(name, arguments))(*sources.values()))


def trained(name: str, options: argparse.Namespace) -> Path:
    """The folder of a model that was trained with one loss alone."""
    steps = options.steps or FEWER_STEPS.get(name, STEPS)
    changes: dict[str, Any] = {"data": {"root": str(options.root)}, "optimiser": {"steps": steps}}
    if name in RATES:
        changes["optimiser"]["learning_rate"] = RATES[name]
    if options.simulated:
        changes["data"] = {"sets": [], "simulated": 1.0, "scenes": 2, "patch": 64, "batch": 2}
    recipe = read_recipe(find_recipe("ivif"), changes)
    recipe = replace(recipe, name=name, objective={name: {"weight": 1.0, **TERMS[name]}})
    run = options.runs / name
    if not train(recipe, run).finished:
        raise SystemExit(f"{name}: stopped; the same command goes on")
    export_run(run, run / "model", licence=LICENCE)
    return run / "model"


def draw(path: Path, picture: NDArray) -> None:
    """Write a picture small enough for a page of thirty."""
    shown = for_display(picture)
    height = round(shown.shape[0] * WIDTH / shown.shape[1])
    small = np.asarray(cv2.resize(shown, (WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)
    write_image(path, small, quality=QUALITY)
    print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
