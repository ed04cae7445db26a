"""Total variation against closed forms and its edge cases."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.losses.total_variation import TotalVariationLoss, total_variation_loss

FORMS = ("anisotropic", "isotropic", "squared")


def image(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.double)


@pytest.mark.parametrize(("form", "expected"), [("anisotropic", 0.7), ("isotropic", 0.5), ("squared", 0.25)])
def test_a_slope_has_the_size_of_its_steps(form, expected):
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    slope = (0.3 * columns + 0.4 * rows).double()[None, None]
    inside = total_variation_loss(slope, form, "none") * 81
    of_border = {"anisotropic": 0.7, "isotropic": 0.7, "squared": 0.25}[form] * 8
    assert inside.item() == pytest.approx(64 * expected + of_border, abs=1e-4)


def test_the_anisotropic_form_is_that_of_torchmetrics():
    from torchmetrics.functional.image import total_variation

    pictures = image(3, 2, 12, 10)
    expected = total_variation(pictures, reduction="none") / (2 * 12 * 10)
    torch.testing.assert_close(total_variation_loss(pictures, reduction="none"), expected)


@pytest.mark.parametrize("form", FORMS)
def test_turning_the_picture_changes_nothing_and_noise_costs(form):
    picture = image(1, 1, 16, 16)
    torch.testing.assert_close(total_variation_loss(picture, form), total_variation_loss(picture.mT, form))
    assert total_variation_loss(picture, form) > total_variation_loss(torch.full_like(picture, 0.5), form) == 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 1, 7), (1, 1, 7, 1)])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_constant_and_thin_images_have_finite_values_and_gradients(form, shape, level):
    picture = torch.full(shape, level, requires_grad=True)
    loss = total_variation_loss(picture, form)
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(picture.grad).all()


@pytest.mark.parametrize("form", FORMS)
def test_the_gradient_is_that_of_the_value(form):
    picture = image(2, 1, 5, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: total_variation_loss(x, form), picture)


def test_reductions_agree_and_the_module_is_the_function():
    pictures = image(4, 1, 6, 6)
    each = total_variation_loss(pictures, reduction="none")
    assert each.shape == (4,)
    torch.testing.assert_close(total_variation_loss(pictures), each.mean())
    torch.testing.assert_close(
        TotalVariationLoss("squared", "sum")(pictures), total_variation_loss(pictures, "squared", "sum")
    )


@pytest.mark.parametrize("options", [{"form": "round"}, {"reduction": "median"}])
def test_what_is_unknown_is_refused(options):
    with pytest.raises(ValueError, match="expected"):
        total_variation_loss(image(1, 1, 4, 4), **options)


@pytest.mark.parametrize("form", FORMS)
def test_it_compiles_whole_and_stays_finite_in_half_precision(form):
    picture = image(1, 1, 8, 8).float()
    expected = total_variation_loss(picture, form)
    compiled = torch.compile(total_variation_loss, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(picture, form), expected)
    half = total_variation_loss(picture.bfloat16(), form)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, rtol=0.03, atol=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(total_variation_loss(picture, form), expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_constant_image_in_half_precision_costs_nothing_and_stays(form, dtype):
    picture = torch.full((1, 1, 5, 5), 0.5, dtype=dtype, requires_grad=True)
    loss = total_variation_loss(picture, form)
    loss.backward()
    assert loss.item() == 0
    assert not picture.grad.any()
