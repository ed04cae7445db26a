"""The loss of CrossFuse against its formula in plain loops, and an image that learns by it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses.crossfuse import CrossFuseLoss, brightest_surroundings, crossfuse_loss


def plain_mean(image: Tensor, row: int, column: int) -> float:
    return image[max(row - 5, 0) : row + 6, max(column - 5, 0) : column + 6].mean().item()


def plain_rectified(image: Tensor) -> Tensor:
    kernel = torch.full((1, 1, 3, 3), 0.125, dtype=image.dtype)
    kernel[..., 1, 1] = -1
    return F.conv2d(F.pad(image[None, None], [1] * 4, mode="replicate"), kernel)[0, 0].clamp_min(0)


@pytest.mark.parametrize("count", [2, 3])
def test_the_loss_is_its_formula(count):
    generator = torch.Generator().manual_seed(0)
    fused, sources = (torch.rand(1, n, 14, 13, generator=generator, dtype=torch.double) for n in (1, count))
    rectified = [plain_rectified(image) for image in sources[0]]
    of_fused, expected = plain_rectified(fused[0, 0]), 0.0
    for row in range(14):
        for column in range(13):
            source = max(sources[0], key=lambda image: plain_mean(image, row, column))
            strongest = max(image[row, column] for image in rectified)
            expected += (fused[0, 0, row, column] - source[row, column]) ** 2
            expected += 4 * (of_fused[row, column] - strongest) ** 2
    assert crossfuse_loss(fused, sources, 4).item() == pytest.approx(float(expected) / (14 * 13), rel=1e-9)


def test_equally_bright_sources_share_and_their_order_does_not_matter():
    row = torch.tensor([[0.2, 0.4]])
    sources = torch.stack([row, row.flip(1)])[None]
    torch.testing.assert_close(brightest_surroundings(sources), torch.full((1, 1, 1, 2), 0.3))
    fused = torch.rand(1, 1, 1, 2)
    torch.testing.assert_close(crossfuse_loss(fused, sources.flip(1)), crossfuse_loss(fused, sources))


def test_an_image_takes_the_bright_thing_and_the_dark_lines_of_the_other_source():
    warm, lines = torch.full((32, 32), 0.1), torch.full((32, 32), 0.4)
    warm[:, 20:] = 0.9
    lines[::4] = 0.3
    sources = torch.stack([warm, lines])[None]
    image = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    optimiser = torch.optim.Adam([image], 0.03)
    loss = CrossFuseLoss()
    for _ in range(300):
        optimiser.zero_grad()
        loss(image, sources).backward()
        optimiser.step()
    assert image[..., 22:-2].mean().item() == pytest.approx(0.9, abs=0.05)
    assert (image[0, 0, :, 2:12] - lines[:, 2:12]).abs().mean().item() < 0.02
    drop = image[..., 2:30:4, 22:30].mean() - image[..., 4:30:4, 22:30].mean()  # lines before what is bright
    assert drop > 0.02
