"""Paint a photograph in the manner of another picture, by changing its pixels (Gatys, Ecker and Bethge 2016).

    python examples/losses/style_transfer.py [--content FILE] [--style FILE] [--steps 300] [--beta 3]
        [--network mobilenet_v2|vgg19] [--weights imagenet|random|FILE]

Without files a street is invented, and strokes of a brush are drawn. The pictures of the paper need VGG.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from rich.progress import track
from torch import Tensor
from torch.nn import functional as F

from imfuse.images.files import read_image, write_image
from imfuse.images.sheet import contact_sheet, for_display
from imfuse.lab.losses.content_style import content_style_loss
from imfuse.lab.losses.texture import texture_loss
from imfuse.lab.nn.feature_extractor import FeatureExtractor
from imfuse.lab.nn.vgg_names import vgg_layer
from imfuse.scenes import simulate

SIDE, SHIFT = 256, 8
CONTENT = {"mobilenet_v2": ["features.6"], "vgg19": [vgg_layer("vgg19", "relu4_2")]}
# Of MobileNetV2 the widened, rectified maps inside its blocks: there are six times as many as between them.
STYLE = {
    "mobilenet_v2": ["features.0", *(f"features.{block}.conv.0" for block in (2, 3, 5, 8))],
    "vgg19": [vgg_layer("vgg19", f"relu{block}_1") for block in range(1, 6)],
}


def as_square(pixels: np.ndarray) -> Tensor:
    side = min(pixels.shape[:2])
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    square = for_display(pixels)[top : top + side, left : left + side]
    return torch.from_numpy(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)).permute(2, 0, 1)[None] / 255


def brush_strokes() -> np.ndarray:
    rng, picture = np.random.default_rng(0), np.full((SIDE, SIDE, 3), 235, np.uint8)
    paints = np.array([(20, 50, 110), (240, 190, 60), (200, 70, 40), (60, 130, 150), (250, 240, 210)])
    for x, y in rng.integers(0, SIDE, (1500, 2)).tolist():
        angle = np.sin(x / 40) + np.cos(y / 40) + rng.normal(0, 0.2)
        end = round(x + 22 * np.cos(angle)), round(y + 22 * np.sin(angle))
        colour = (rng.choice(paints) + rng.integers(-15, 15, 3)).clip(0, 255)
        cv2.line(picture, (x, y), end, colour.tolist(), int(rng.integers(3, 7)), cv2.LINE_AA)
    return picture


def of(layers: list[str], features: dict[str, Tensor]) -> list[Tensor]:
    return [features[layer] for layer in layers]


def paint(content: Tensor, style: Tensor, *, network: str, weights: str, beta: float, steps: int) -> Tensor:
    extractor = FeatureExtractor(network, [*CONTENT[network], *STYLE[network]], weights)
    with torch.no_grad():
        kept, wanted = extractor(content), extractor(style)
    # Each layer is measured against its own size, so that beta says the same of every network.
    content_weights = [1 / kept[layer].square().mean().item() for layer in CONTENT[network]]
    style_weights = [1 / texture_loss([wanted[layer]], [0 * wanted[layer]]).item() for layer in STYLE[network]]
    # Changed at every scale at once: single pixels would be long about a change of a whole stroke.
    levels = [torch.zeros(1, 3, SIDE >> level, SIDE >> level, requires_grad=True) for level in range(6)]

    def picture() -> Tensor:
        change = torch.cat([F.interpolate(level, (SIDE, SIDE), mode="bilinear") for level in levels]).sum(0)
        return torch.sigmoid(content.clamp(0.02, 0.98).logit() + change)

    optimiser = torch.optim.Adam(levels, lr=0.05)
    fading = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in track(range(steps), "Painting"):
        # Shifted a little, or the grid of strided convolutions shows in the picture.
        shifted = picture().roll(torch.randint(SHIFT, (2,)).tolist(), (2, 3))
        seen = extractor(shifted)
        loss = content_style_loss(
            shifted,
            (of(CONTENT[network], seen), of(CONTENT[network], kept)),
            (of(STYLE[network], seen), of(STYLE[network], wanted)),
            beta=beta,
            gamma=0.5,
            content_weights=content_weights,
            style_weights=style_weights,
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        fading.step()
        if step in {0, steps - 1}:
            print(f"step {step}: loss {loss.item():.3f}")
    return picture().detach()


def main(content: Path | None, style: Path | None, output: Path, **options: Any) -> None:
    torch.manual_seed(0)
    photograph = as_square(read_image(content).pixels if content else simulate(SIDE, SIDE, darkness=0.2).visible)
    manner = as_square(read_image(style).pixels if style else brush_strokes())
    painted = paint(photograph, manner, **options)
    pictures = [(image[0] * 255).byte().permute(1, 2, 0).numpy() for image in (photograph, manner, painted)]
    write_image(output / "painted.png", pictures[-1])
    write_image(output / "sheet.png", contact_sheet(pictures, ["content", "style", "painted"], columns=3))
    print(output / "sheet.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", type=Path)
    parser.add_argument("--style", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--beta", type=float, default=3.0)
    parser.add_argument("--network", choices=list(STYLE), default="mobilenet_v2")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--output", type=Path, default=Path("style_transfer"))
    main(**vars(parser.parse_args()))
