"""Soft and temporal attention against their formulas, and what each of them can learn."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from imfuse.lab.nn.feature_fusion import SoftChannelAttention, SoftSpatialAttention, TemporalAttention


@pytest.fixture
def maps() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 8, 5, 7, generator=generator) for _ in range(3)]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def score(block, x):
    """conv1, ReLU, conv1 as matrix products."""
    first, _, second = block.score
    hidden = torch.einsum("oc,bchw->bohw", first.weight[:, :, 0, 0], x) + first.bias[:, None, None]
    return torch.einsum("oc,bchw->bohw", second.weight[:, :, 0, 0], hidden.relu()) + second.bias[:, None, None]


@pytest.mark.parametrize("count", [2, 3])
def test_positions_are_shared_out_by_a_softmax_over_the_maps(maps, count):
    block = SoftSpatialAttention(8)
    powers = [score(block, x).exp() for x in maps[:count]]
    expected = sum(power / sum(powers) * x for power, x in zip(powers, maps, strict=False))
    torch.testing.assert_close(block(*maps[:count]), expected)


@pytest.mark.parametrize("count", [2, 3])
def test_channels_are_shared_out_by_a_softmax_over_the_maps(maps, count):
    block = SoftChannelAttention(8)
    powers = [score(block, x.mean((2, 3), keepdim=True)).exp() for x in maps[:count]]
    expected = sum(power / sum(powers) * x for power, x in zip(powers, maps, strict=False))
    torch.testing.assert_close(block(*maps[:count]), expected)


def test_one_map_is_gated(maps):
    x = maps[0]
    spatial, channel = SoftSpatialAttention(8), SoftChannelAttention(8)
    torch.testing.assert_close(spatial(x), score(spatial, x).sigmoid() * x)
    torch.testing.assert_close(channel(x), score(channel, x.mean((2, 3), keepdim=True)).sigmoid() * x)


@pytest.mark.parametrize("block", [SoftSpatialAttention, SoftChannelAttention])
def test_equal_maps_come_back_and_their_order_is_of_no_matter(maps, block):
    join = block(8)
    torch.testing.assert_close(join(maps[0], maps[0], maps[0]), maps[0])
    torch.testing.assert_close(join(*maps), join(*maps[::-1]))


def test_frames_are_weighted_by_what_the_last_one_asks(maps):
    frames = torch.stack(maps, dim=1)
    block = TemporalAttention(8)
    query = F.conv2d(maps[-1], block.query.weight, block.query.bias)
    keys = [F.conv2d(x, block.key.weight, block.key.bias) for x in maps]
    powers = [((query * key).sum(1, keepdim=True) / query.shape[1] ** 0.5).exp() for key in keys]
    expected = sum(power / sum(powers) * x for power, x in zip(powers, maps, strict=True))
    torch.testing.assert_close(block(frames), expected)


def test_one_frame_and_equal_frames_come_back(maps):
    block = TemporalAttention(8)
    torch.testing.assert_close(block(maps[0][:, None]), maps[0])
    torch.testing.assert_close(block(torch.stack([maps[0]] * 4, dim=1)), maps[0])


def test_the_order_of_the_earlier_frames_is_of_no_matter_but_the_last_one_is(maps):
    x, y, w = maps
    block = TemporalAttention(8)
    asked = block(torch.stack([x, y, w], dim=1))
    torch.testing.assert_close(block(torch.stack([y, x, w], dim=1)), asked)
    assert not torch.allclose(block(torch.stack([x, w, y], dim=1)), asked, atol=1e-4)


def test_temporal_attention_learns_to_leave_out_frames_of_another_scene():
    """A clean mean needs the frames that show what the last one shows; half of the earlier ones show its negative."""
    block = TemporalAttention(8, reduction=1)
    optimiser = torch.optim.Adam(block.parameters(), 0.02)
    for _ in range(150):
        error, plain = _denoised(block)
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    error, plain = _denoised(block)
    assert error < 0.5 * plain


def _denoised(block: TemporalAttention) -> tuple[torch.Tensor, torch.Tensor]:
    """Error of the block, and of the last frame taken as it is."""
    scene = torch.randn(4, 1, 8, 4, 4).sign()
    shown = torch.where(torch.rand(4, 6, 1, 4, 4) < 0.5, -1.0, 1.0)
    shown[:, -1] = 1
    frames = scene * shown + 0.5 * torch.randn(4, 6, 8, 4, 4)
    return F.mse_loss(block(frames), scene[:, 0]), F.mse_loss(frames[:, -1], scene[:, 0])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("autocast", [True, False])
def test_large_half_precision_frames_are_weighed(maps, dtype, autocast):
    frames, block = 300 * torch.stack(maps, dim=1), TemporalAttention(8)
    with torch.autocast("cpu", dtype=dtype, enabled=autocast):
        found = block(frames) if autocast else block.to(dtype)(frames.to(dtype))
    assert torch.isfinite(found).all()
    assert found.dtype == (frames.dtype if autocast else dtype)


@pytest.mark.parametrize("shape", [(2, 8, 5, 7), (2, 3, 6, 5, 7), (2, 0, 8, 5, 7)])
def test_frames_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected \(batch, time, 8, height, width\)"):
        TemporalAttention(8)(torch.zeros(shape))
