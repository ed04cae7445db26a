"""Gradient operators against SciPy, convolution and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn import functional as F

from imfuse.lab.nn.gradients import image_gradient

KERNELS = {
    "sobel": [[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]],
    "laplacian4": [[[0, 1, 0], [1, -4, 1], [0, 1, 0]]],
    "laplacian8": [[[1 / 8, 1 / 8, 1 / 8], [1 / 8, -1, 1 / 8], [1 / 8, 1 / 8, 1 / 8]]],
    "forward": [[[0, 0, 0], [0, -1, 1], [0, 0, 0]], [[0, 0, 0], [0, -1, 0], [0, 1, 0]]],
}
OPERATORS = tuple(KERNELS)
SHAPES = [(1, 1), (1, 6), (6, 1), (2, 2), (7, 5)]


def image(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.double)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("size", SHAPES)
def test_every_operator_is_the_convolution_of_a_replicated_image(operator, size):
    images = image(2, 3, *size)
    kernels = torch.tensor(KERNELS[operator], dtype=torch.double)[:, None]
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate").flatten(0, 1)[:, None]
    expected = F.conv2d(padded, kernels).unflatten(0, (2, 3))
    torch.testing.assert_close(image_gradient(images, operator), expected)


@pytest.mark.parametrize("size", SHAPES)
def test_sobel_and_the_laplacian_of_four_are_those_of_scipy(size):
    images = image(1, 1, *size)
    pixels = images[0, 0].numpy()
    across, down = image_gradient(images)[0, 0].numpy()
    np.testing.assert_allclose(across, ndimage.sobel(pixels, axis=1, mode="nearest"), atol=1e-12)
    np.testing.assert_allclose(down, ndimage.sobel(pixels, axis=0, mode="nearest"), atol=1e-12)
    laplacian = image_gradient(images, "laplacian4")[0, 0, 0].numpy()
    np.testing.assert_allclose(laplacian, ndimage.laplace(pixels, mode="nearest"), atol=1e-12)


@pytest.mark.parametrize(("operator", "expected"), [("sobel", 8.0), ("forward", 1.0)])
def test_a_slope_has_its_steepness_along_x_and_none_along_y(operator, expected):
    slope = torch.arange(6.0).expand(1, 1, 5, 6)
    across, down = image_gradient(slope, operator)[0, 0]
    assert (across[:, 1:-1] == expected).all()
    assert (down == 0).all()


@pytest.mark.parametrize(("operator", "expected"), [("laplacian4", 4.0), ("laplacian8", 1.5)])
def test_the_laplacian_of_a_bowl_is_its_curvature(operator, expected):
    rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(6.0), indexing="ij")
    bowl = (rows**2 + columns**2)[None, None]
    assert (image_gradient(bowl, operator)[..., 1:-1, 1:-1] == expected).all()


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_a_constant_image_of_any_size_has_no_gradient(operator, size, level):
    gradient = image_gradient(torch.full((1, 2, *size), level, dtype=torch.double), operator)
    assert gradient.shape == (1, 2, len(KERNELS[operator]), *size)
    assert (gradient == 0).all()


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 3)])
def test_gradients_flow(operator, size):
    assert torch.autograd.gradcheck(lambda x: image_gradient(x, operator), image(1, 2, *size).requires_grad_())


@pytest.mark.parametrize("operator", OPERATORS)
def test_it_compiles_whole(operator):
    torch.compiler.reset()
    images = image(1, 2, 6, 5)
    compiled = torch.compile(image_gradient, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(images, operator), image_gradient(images, operator))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_the_type_stays_also_under_autocast(operator, dtype):
    images = image(1, 2, 6, 5).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype != torch.float16):
        gradient = image_gradient(images, operator)
    assert gradient.dtype == dtype
    expected = image_gradient(images.double(), operator)
    torch.testing.assert_close(gradient.double(), expected, rtol=0, atol=16 * torch.finfo(dtype).eps)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("operator", OPERATORS)
def test_a_gpu_gives_the_same(operator):
    images = image(1, 2, 9, 8)
    torch.testing.assert_close(image_gradient(images.cuda(), operator).cpu(), image_gradient(images, operator))


def test_an_unknown_operator_is_refused():
    with pytest.raises(ValueError, match="'prewitt': expected sobel, laplacian4, laplacian8 or forward"):
        image_gradient(image(1, 1, 3, 3), "prewitt")
