"""Make as much of a texture as is wanted, out of noise, by its Gram matrices (Gatys, Ecker and Bethge 2015).

    python examples/losses/texture_synthesis.py [--texture FILE] [--steps 150]
        [--network mobilenet_v2|vgg19] [--weights imagenet|random|FILE]

Without a file pebbles are drawn. The pictures of the paper need VGG.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.progress import track
from torch import Tensor
from torch.nn import functional as F

from imfuse.images.files import read_image, write_image
from imfuse.images.sheet import contact_sheet, for_display
from imfuse.lab.losses.texture import texture_loss
from imfuse.lab.nn.feature_extractor import FeatureExtractor
from imfuse.lab.nn.vgg_names import vgg_layer

SIDE = 256
# Of MobileNetV2 the widened, rectified maps inside its blocks: there are six times as many as between them.
LAYERS = {
    "mobilenet_v2": ["features.0", *(f"features.{block}.conv.0" for block in (2, 3, 5, 8))],
    "vgg19": [vgg_layer("vgg19", name) for name in ("relu1_1", "pool1", "pool2", "pool3", "pool4")],
}
# MobileNetV2 begins with a strided convolution: unless it sees the picture enlarged too, it hatches every pebble.
ENLARGED = {"mobilenet_v2": (1, 2), "vgg19": (1,)}


def as_square(pixels: np.ndarray) -> Tensor:
    side = min(pixels.shape[:2])
    square = for_display(pixels)[:side, :side]
    return torch.from_numpy(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)).permute(2, 0, 1)[None] / 255


def pebbles() -> np.ndarray:
    rng, picture = np.random.default_rng(0), np.full((SIDE, SIDE, 3), (60, 50, 40), np.uint8)
    for x, y in rng.integers(0, SIDE, (600, 2)).tolist():
        axes, turn = rng.integers(6, 16, 2).tolist(), int(rng.integers(180))
        colour = np.array((190, 170, 150)) * rng.uniform(0.5, 1.2) + rng.normal(0, 12, 3)
        for shrunk, light in ((0, 0.5), (2, 1.0), (4, 1.15)):
            sides = [axis - shrunk for axis in axes]
            cv2.ellipse(picture, (x, y), sides, turn, 0, 360, (colour * light).clip(0, 255).tolist(), -1, cv2.LINE_AA)
    return picture


def synthesise(texture: Tensor, network: str, weights: str, steps: int) -> Tensor:
    extractor = FeatureExtractor(network, LAYERS[network], weights)

    def seen(image: Tensor) -> list[Tensor]:
        sizes = [F.interpolate(image, scale_factor=times, mode="bilinear") for times in ENLARGED[network]]
        # And by its slow changes of colour themselves, to which the network is almost blind.
        slow = F.avg_pool2d(image - texture.mean((2, 3), keepdim=True), 16)
        return [slow, *(maps for each in sizes for maps in extractor(each).values())]

    with torch.no_grad():
        wanted = seen(texture)
    # Each layer counts alike, however large its features are.
    layer_weights = [1 / texture_loss([maps], [0 * maps]).item() / len(wanted) for maps in wanted]
    noise = texture.mean((2, 3), keepdim=True) + 0.1 * torch.randn(1, 3, SIDE, SIDE)
    # Changed at three scales at once: single pixels would be long about a change of a whole pebble.
    levels = [torch.zeros(1, 3, SIDE >> level, SIDE >> level, requires_grad=True) for level in range(3)]

    def picture() -> Tensor:
        change = torch.cat([F.interpolate(level, (SIDE, SIDE), mode="bilinear") for level in levels]).sum(0)
        return torch.sigmoid(noise.clamp(0.02, 0.98).logit() + change)

    optimiser = torch.optim.Adam(levels, lr=0.1)
    fading = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in track(range(steps), "Weaving"):
        # Rolled about, so that the border does not show: the result can be tiled.
        rolled = picture().roll(torch.randint(SIDE, (2,)).tolist(), (2, 3))
        loss = texture_loss(seen(rolled), wanted, layer_weights)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        fading.step()
        if step in {0, steps - 1}:
            print(f"step {step}: texture loss {loss.item():.4f}, where 1 is that of features of 0")
    return picture().detach()


def main(texture: Path | None, steps: int, network: str, weights: str, output: Path) -> None:
    torch.manual_seed(0)
    given = as_square(read_image(texture).pixels if texture else pebbles())
    made = synthesise(given, network, weights, steps)
    pictures = [(image[0] * 255).byte().permute(1, 2, 0).numpy() for image in (given, made)]
    write_image(output / "made.png", pictures[-1])
    write_image(output / "sheet.png", contact_sheet(pictures, ["texture", "made"], columns=2))
    print(output / "sheet.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texture", type=Path)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--network", choices=list(LAYERS), default="mobilenet_v2")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--output", type=Path, default=Path("texture_synthesis"))
    main(**vars(parser.parse_args()))
