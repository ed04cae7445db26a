"""The loss of SDNet against its formula in plain loops, and images that learn by it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses.sdnet import SDNetLoss, decide, laplacian, sdnet_loss


@pytest.fixture
def sources() -> Tensor:
    """Stripes in the left half of the first source and in the right half of the second, otherwise grey."""
    stripes = 0.5 + 0.3 * (torch.arange(24) % 4 < 2)[:, None].float().expand(24, 12)
    grey = torch.full((24, 12), 0.5)
    return torch.stack([torch.cat([stripes, grey], 1), torch.cat([grey, stripes], 1)])[None].double()


def learnt(loss, sources: Tensor, steps: int = 200) -> Tensor:
    image = torch.rand(sources[:, :1].shape, dtype=sources.dtype, generator=torch.Generator().manual_seed(3))
    image.requires_grad_()
    optimiser = torch.optim.Adam([image], 0.03)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(image, sources).backward()
        optimiser.step()
    return image.detach()


def plain(fused: Tensor, sources: Tensor, alpha: float, beta: float) -> float:
    """Of one scene and two sources, pixel by pixel."""
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]).double()[None, None]
    position = torch.exp(-torch.tensor([1.0, 0, 1]).double() / (2 * 1.5**2))
    window = (position[:, None] * position / position.sum() ** 2)[None, None]

    def convolved(image: Tensor, weights: Tensor) -> Tensor:
        return F.conv2d(F.pad(image[None, None], [1] * 4, mode="replicate"), weights)[0, 0]

    of_fused, of_first, of_second = (convolved(image, kernel) for image in (fused, *sources))
    first, second = (convolved(image.abs(), window) for image in (of_first, of_second))
    total = 0.0
    for row in range(fused.shape[0]):
        for column in range(fused.shape[1]):
            here = (row, column)
            chosen = of_first if first[here] > second[here] else of_second
            total += (fused[here] - sources[0][here]) ** 2 + alpha * (fused[here] - sources[1][here]) ** 2
            total += beta * (of_fused[here] - chosen[here]) ** 2
    return float(total) / fused.numel()


def test_the_loss_is_its_formula():
    generator = torch.Generator().manual_seed(0)
    fused, sources = (torch.rand(2, count, 9, 8, generator=generator, dtype=torch.double) for count in (1, 2))
    losses = sdnet_loss(fused, sources, alpha=0.7, beta=3, reduction="none")
    for scene in range(2):
        assert losses[scene].item() == pytest.approx(plain(fused[scene, 0], sources[scene], 0.7, 3), rel=1e-9)


def test_the_source_with_the_livelier_surroundings_gives_the_gradient(sources):
    chosen = decide(laplacian(sources))
    assert (chosen[0, 0, :, :11] == 1).all()
    assert (chosen[0, 1, :, 13:] == 1).all()
    torch.testing.assert_close(chosen.sum(1), torch.ones_like(chosen[:, 0]))


def test_equally_lively_sources_share_and_of_more_than_two_one_is_chosen(sources):
    assert (decide(laplacian(sources[:, :1].expand(-1, 3, -1, -1))) == 1 / 3).all()
    three = torch.cat([sources, torch.full_like(sources[:, :1], 0.5)], dim=1)
    assert (decide(laplacian(three))[:, 2, :, :11] == 0).all()


def test_decomposed_images_add_their_squared_error(sources):
    fused = sources.mean(1, keepdim=True)
    decomposed = sources + torch.tensor([0.1, 0.2]).double()[:, None, None]
    without, more = sdnet_loss(fused, sources), sdnet_loss(fused, sources, decomposed)
    assert (more - without).item() == pytest.approx(0.01 + 0.04)
    with pytest.raises(ValueError, match=r"decomposed .* expected equal shapes"):
        sdnet_loss(fused, sources, decomposed[:, :1])


def test_gradients_decide_about_texture_whatever_the_intensities_are(sources):
    """Beta makes an image that has the stripes of both sources; without it they are half as strong."""
    contrast = {}
    for beta in (0.0, 10.0):
        image = learnt(SDNetLoss(alpha=1.0, beta=beta), sources)
        contrast[beta] = [half.std().item() for half in image[..., 2:-2, 2:-2].split(10, dim=-1)]
    strongest = 0.15
    for weak, strong in zip(contrast[0.0], contrast[10.0], strict=True):
        assert weak == pytest.approx(strongest / 2, rel=0.1)
        assert strong > 0.8 * strongest


def test_alpha_says_how_much_of_the_second_brightness_comes_through():
    sources = torch.tensor([0.2, 0.8])[:, None, None].expand(1, 2, 8, 8)
    for alpha in (0.25, 1.0):
        image = learnt(SDNetLoss(alpha, beta=0), sources)
        assert image.mean().item() == pytest.approx((0.2 + alpha * 0.8) / (1 + alpha), abs=0.01)
