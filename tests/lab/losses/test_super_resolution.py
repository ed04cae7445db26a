"""The objective of super-resolution: the sum of its terms, terms that are left out, and images that sharpen."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from imfuse.errors import ModelError
from imfuse.lab.losses.adversarial import ADVERSARIAL
from imfuse.lab.losses.gradient import edge_preserving_loss
from imfuse.lab.losses.perceptual import PerceptualLoss
from imfuse.lab.losses.super_resolution import SuperResolutionLoss

LAYERS = ["0", "2"]


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1))


@pytest.mark.parametrize(("pixel", "error"), [("l1", F.l1_loss), ("mse", F.mse_loss)])
@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_the_total_is_the_weighted_sum_of_the_terms(network, pixel, error, adversarial):
    picture, target = image(2, 1, 8, 8), image(2, 1, 8, 8, seed=1)
    logits = [image(2, 1, 3, 3, seed=2), image(2, 1, 3, 3, seed=3)][: 2 if adversarial == "relativistic" else 1]
    loss = SuperResolutionLoss(
        2.0, 0.5, 0.3, 0.1, pixel=pixel, adversarial=adversarial, network=network, layers=LAYERS
    ).double()
    total, terms = loss(picture, target, *logits)
    expected = {
        "pixel": error(picture, target),
        "edge": edge_preserving_loss(picture, target),
        "perceptual": PerceptualLoss(network, LAYERS).double()(picture, target),
        "adversarial": ADVERSARIAL[adversarial].g_loss(*logits),
    }
    assert list(terms) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value)
    weighted = 2 * expected["pixel"] + 0.5 * expected["edge"] + 0.3 * expected["perceptual"]
    torch.testing.assert_close(total, weighted + 0.1 * expected["adversarial"])


def test_a_weight_of_zero_leaves_the_term_and_its_needs_out():
    loss = SuperResolutionLoss(edge_weight=0.0, network_weights="no_such_file.pth")
    assert loss.perceptual is None
    total, terms = loss(image(1, 1, 4, 4), image(1, 1, 4, 4, seed=1))
    assert list(terms) == ["pixel"]
    assert total == terms["pixel"]
    with pytest.raises(ModelError, match="no_such_file"):
        SuperResolutionLoss(perceptual_weight=1.0, network_weights="no_such_file.pth")


def test_what_is_missing_or_unknown_is_refused():
    with pytest.raises(ValueError, match="expected the discriminator's logits"):
        SuperResolutionLoss(adversarial_weight=0.1)(image(1, 1, 4, 4), image(1, 1, 4, 4))
    with pytest.raises(ValueError, match="pixel 'l3': expected l1, mse"):
        SuperResolutionLoss(pixel="l3")
    with pytest.raises(ValueError, match="adversarial 'none': expected minimax"):
        SuperResolutionLoss(adversarial="none")
    with pytest.raises(ValueError, match="all 0"):
        SuperResolutionLoss(0.0, 0.0)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (6, 6)])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_and_thin_images_have_finite_values_and_gradients(network, size, level):
    picture = torch.full((1, 1, *size), level, requires_grad=True)
    loss = SuperResolutionLoss(1.0, 1.0, 1.0, 1.0, network=network, layers=LAYERS)
    same, _ = loss(picture, picture.detach(), torch.tensor([100.0]))
    other, _ = loss(picture, torch.ones_like(picture), torch.tensor([-100.0]))
    (same + other).backward()
    assert torch.isfinite(same + other)
    assert torch.isfinite(picture.grad).all()


def test_the_gradient_is_that_of_the_value(network):
    loss = SuperResolutionLoss(1.0, 1.0, 1.0, 1.0, pixel="mse", network=network, layers=LAYERS).double()
    target, inputs = image(1, 1, 4, 4, seed=1), (image(1, 1, 4, 4), image(1, 1, seed=2))
    assert torch.autograd.gradcheck(
        lambda x, logits: loss(x, target, logits)[0], tuple(values.requires_grad_() for values in inputs)
    )


def test_it_compiles_whole_and_stays_finite_in_half_precision(network):
    loss = SuperResolutionLoss(1.0, 1.0, 1.0, 1.0, network=network, layers=LAYERS)
    inputs = image(1, 1, 8, 8).float(), image(1, 1, 8, 8, seed=1).float(), image(1, 1, seed=2).float()
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(*inputs)[0], loss(*inputs)[0])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total, _ = loss(*(values.bfloat16() for values in inputs))
    torch.testing.assert_close(total.float(), loss(*inputs)[0], rtol=0.05, atol=0)


def test_a_small_network_learns_to_sharpen_beyond_bicubic(network):
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(24), indexing="ij")
    shifts = torch.arange(8)[:, None, None]
    target = ((rows + shifts) // 6 % 2 ^ (columns + 2 * shifts) // 6 % 2).float()[:, None]
    small = F.interpolate(target, scale_factor=0.5, mode="bicubic", antialias=True)
    bicubic = F.interpolate(small, scale_factor=2.0, mode="bicubic")
    torch.manual_seed(0)
    correction = nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    loss = SuperResolutionLoss(1.0, 0.1, 0.1, network=network, layers=LAYERS)
    optimiser = torch.optim.Adam(correction.parameters(), 0.01)
    for _ in range(60):
        optimiser.zero_grad()
        loss(bicubic + correction(bicubic), target)[0].backward()
        optimiser.step()
    sharpened = bicubic + correction(bicubic)
    for term, value in loss(sharpened, target)[1].items():
        assert value < 0.8 * loss(bicubic, target)[1][term]
