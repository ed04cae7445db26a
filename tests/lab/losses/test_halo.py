"""The loss against halos: nothing for what the sources show, something for what the choice between them invents."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.losses.halo import halo_loss


@pytest.fixture
def sources() -> torch.Tensor:
    """A dark and a bright sky, each without slow changes, over a roof that both show."""
    images = torch.stack([torch.full((128, 128), 0.1), torch.full((128, 128), 0.8)])[None].double()
    images[..., 96:, :] = 0.5
    return images


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_source_and_a_fixed_mixture_cost_nothing(sources, share):
    fused = share * sources[:, :1] + (1 - share) * sources[:, 1:]
    assert halo_loss(fused, sources).item() == pytest.approx(0, abs=1e-12)


def test_a_sky_that_darkens_towards_the_roof_costs(sources):
    share = torch.linspace(0, 1, 96).double()[:, None]
    fused = sources[:, 1:].clone()
    fused[..., :96, :] = share * sources[:, :1, :96] + (1 - share) * sources[:, 1:, :96]
    assert halo_loss(fused, sources) > 0.01


def test_small_and_constant_images_have_finite_values_and_gradients():
    for shape in ((1, 1), (3, 40), (8, 8)):
        fused = torch.zeros(1, 1, *shape, dtype=torch.double, requires_grad=True)
        halo_loss(fused, torch.zeros(1, 2, *shape, dtype=torch.double)).backward()
        assert torch.isfinite(fused.grad).all()


def test_the_gradient_is_that_of_the_value():
    generator = torch.Generator().manual_seed(0)
    fused = torch.rand(1, 1, 24, 24, generator=generator, dtype=torch.double, requires_grad=True)
    sources = torch.rand(1, 2, 24, 24, generator=generator, dtype=torch.double) / 10
    assert torch.autograd.gradcheck(lambda image: halo_loss(image, sources), fused)


def test_a_slope_beside_flat_sources_costs_half_its_step_at_each_scale():
    slope = (torch.arange(256).double() / 512).expand(1, 1, 256, 256)
    steps = [2**scale / 512 for scale in range(2, 7)]  # across; there are none down, which are half of all
    loss = halo_loss(slope, torch.zeros(1, 2, 256, 256).double())
    assert loss.item() == pytest.approx(sum(steps) / 2 / 6)


def test_the_value_is_the_very_one_that_recipes_were_trained_by():
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, 70, 45, generator=generator)
    terms = [torch.zeros(())]
    for size in (4, 8, 16):
        cells = torch.nn.functional.avg_pool2d(images, size)
        change = torch.cat([cells.diff(dim=2).flatten(2), cells.diff(dim=3).flatten(2)], dim=2).abs()
        terms.append(torch.relu(change[:, 0] - change[:, 1:].amax(1)).mean())
    assert torch.equal(halo_loss(images[:, :1], images[:, 1:]), torch.stack(terms).mean())
