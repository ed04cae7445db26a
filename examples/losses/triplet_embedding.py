"""Learn an embedding in which crops of one class lie together: which triplets of a batch teach it best?

    python examples/losses/triplet_embedding.py [--folder FOLDER] [--steps 1500]

The folder holds `train` and `test`, each with `vis`, `ir` and a `labels.csv` of columns `stem` and `class`; without
one, people and cars are cut out of invented scenes. A crop of `test` asks for its neighbours among those of `train`.
"""

from __future__ import annotations

import argparse
import csv
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.images.colour import luma
from imfuse.images.files import read_image, write_image
from imfuse.images.image import Pixels
from imfuse.images.sheet import contact_sheet
from imfuse.lab.losses.metric_learning import all_triplets, mined_triplet_loss, triplet_loss
from imfuse.scenes import simulate

# The hardest triplets alone draw all points together at the start, so that one way begins with all of them.
MININGS = ("random", "all", "hard", "all_then_hard")
SIDE, EACH, SHOWN = 32, 16, 5  # pixels of a crop, crops of each class in a batch, rows and neighbours of the picture
Crops = tuple[Tensor, list[str]]  # RGB and infrared (b, 4, h, w) in [0, 1], and the class of each


def stacked(visible: Pixels, infrared: Pixels) -> Tensor:
    # Squashed to a square, so that the shape of the box does not give the class away.
    planes = np.dstack([cv2.resize(plane, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for plane in (visible, infrared)])
    return torch.from_numpy(planes).permute(2, 0, 1) / 255


def read_crops(folder: Path) -> Crops:
    with (folder / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    crops = []
    for row in track(rows, f"Reading {folder.name}"):
        visible, infrared = (read_image(folder / side / f"{row['stem']}.jpg").pixels for side in ("vis", "ir"))
        crops.append(stacked(visible, luma(infrared)))
    return torch.stack(crops), [row["class"] for row in rows]


def invent_crops(seeds: range) -> Crops:
    crops, labels = [], []
    for seed in track(seeds, "Inventing"):
        scene = simulate(240, 320, seed=seed, darkness=0.6)
        for box in scene.boxes:
            window = slice(box.top, box.bottom), slice(box.left, box.right)
            crops.append(stacked(scene.visible[window], scene.infrared[window]))
            labels.append(box.label.name.lower())
    return torch.stack(crops), labels


def new_network() -> nn.Module:
    torch.manual_seed(0)
    widths = (4, 16, 32, 64, 64)
    layers = [
        nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.ReLU())
        for a, b in pairwise(widths)
    ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * (SIDE // 16) ** 2, 64))


def train(crops: Tensor, labels: Tensor, mining: str, steps: int) -> nn.Module:
    network = new_network()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    members = [(labels == label).nonzero()[:, 0] for label in labels.unique()]
    for step in track(range(steps), f"Learning from {mining}"):
        # As many of each class, so that every crop has likes and unlikes in its batch.
        chosen = torch.cat([member[torch.randint(len(member), (EACH,))] for member in members])
        embeddings = F.normalize(network(crops[chosen].flip(3) if torch.rand(()) < 0.5 else crops[chosen]))
        if mining == "hard" or (mining == "all_then_hard" and step >= steps // 4):
            loss = mined_triplet_loss(embeddings, labels[chosen], "hard")
        elif mining != "random":
            loss = mined_triplet_loss(embeddings, labels[chosen], "all")
        else:
            triplets = all_triplets(labels[chosen])
            anchor, positive, negative = triplets[torch.randint(len(triplets), (len(chosen),))].T
            loss = triplet_loss(embeddings[anchor], embeddings[positive], embeddings[negative])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()


def draw(crop: Tensor) -> np.ndarray:
    """The visible planes, and beside them the infrared one as a grey picture."""
    beside = torch.cat([crop[:3], crop[3:].expand(3, -1, -1)], 2)
    return (beside * 255).byte().permute(1, 2, 0).numpy()


def main(folder: Path | None, steps: int, output: Path) -> None:
    if folder:
        (gallery, kinds), (queries, wanted) = read_crops(folder / "train"), read_crops(folder / "test")
    else:
        (gallery, kinds), (queries, wanted) = invent_crops(range(6)), invent_crops(range(6, 9))
    labels = torch.tensor([sorted(set(kinds)).index(kind) for kind in kinds])
    print(f"{len(queries)} crops ask {len(gallery)}: {', '.join(sorted(set(kinds)))}")
    networks = {"pixels": nn.Flatten(), "untrained": new_network().eval()}
    networks |= {mining: train(gallery, labels, mining, steps) for mining in MININGS}
    alike = torch.tensor([[kind == want for kind in kinds] for want in wanted]).float()
    for name, network in networks.items():
        with torch.no_grad():
            likeness = F.normalize(network(queries)) @ F.normalize(network(gallery)).T
        nearest = likeness.argsort(descending=True)
        right = alike.gather(1, nearest)
        precision = right.cumsum(1) / torch.arange(1, len(gallery) + 1)
        average = (precision * right).sum(1) / right.sum(1).clamp_min(1)
        print(f"{name:14} recall@1 {right[:, 0].mean():.3f}, mean average precision {average.mean():.3f}")
        pictures, titles = [], []
        for query in range(0, len(queries), -(-len(queries) // SHOWN)):
            places = nearest[query, :SHOWN].tolist()
            pictures += [draw(queries[query]), *(draw(gallery[place]) for place in places)]
            titles += [f"? {wanted[query]}", *(kinds[place] for place in places)]
        write_image(output / f"{name}.png", contact_sheet(pictures, titles, columns=SHOWN + 1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--output", type=Path, default=Path("triplet_embedding"))
    main(**vars(parser.parse_args()))
