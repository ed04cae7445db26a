"""What every joining block promises: shapes, sizes, precisions, graphs, finite gradients, and plain refusals."""

from __future__ import annotations

import copy
import functools

import onnxruntime
import pytest
import torch
from torch import nn

from imfuse.errors import RecipeError, TrainingError
from imfuse.lab.nn.feature_fusion import AFF, FUSE, Add, TemporalAttention, build_fuse, count_macs

CHANNELS = 8
NORMALISED = ("ms_cam", "aff", "iaff")


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def maps() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(2, CHANNELS, 6, 4), torch.randn(2, CHANNELS, 6, 4)


@pytest.mark.parametrize("name", FUSE)
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_a_coarser_map_is_raised_to_the_first_ones_size(name, mode, maps):
    block = build_fuse(name, CHANNELS, mode=mode).eval()
    coarse = maps[1][:, :, ::2, ::2]
    raised = nn.Upsample(scale_factor=2, mode=mode)(coarse)
    torch.testing.assert_close(block(maps[0], coarse), block(maps[0], raised))
    assert block(maps[0], coarse).shape == maps[0].shape


@pytest.mark.parametrize("name", FUSE)
def test_three_maps_are_joined_and_all_of_them_matter(name, maps):
    options = {"count": 3} if name == "concat" else {}
    block = build_fuse(name, CHANNELS, **options).eval()
    if name == "hard":  # equal scores at the start: the first map is taken
        nn.init.normal_(block.score[-1].weight)
    x, y = maps
    others = [torch.randn_like(x) for _ in range(2)]
    assert block(x, y, others[0]).shape == x.shape
    places = [(x, y, others[0]), (others[1], y, others[0]), (x, others[1], others[0]), (x, y, others[1])]
    joined = [block(*three) for three in places]
    assert all(not torch.allclose(joined[0], other) for other in joined[1:])


@pytest.mark.parametrize("name", FUSE)
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 4)])
@pytest.mark.parametrize("value", [0.0, 1.0, -3.0])
def test_constant_maps_of_any_size_have_finite_values_and_gradients(name, size, value):
    block = build_fuse(name, CHANNELS).train()
    x, y = (torch.full((2, CHANNELS, *size), value, requires_grad=True) for _ in range(2))
    joined = block(x, y)
    joined.square().sum().backward()
    assert torch.isfinite(joined).all()
    for tensor in (x, y, *block.parameters()):
        assert tensor.grad is None or torch.isfinite(tensor.grad).all()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("name", FUSE)
def test_every_weight_learns(name, maps):
    block = build_fuse(name, CHANNELS).train()
    if name == "hard":
        nn.init.normal_(block.score[-1].weight)
    x, y = (m.requires_grad_() for m in maps)
    (block(x, y) * torch.randn_like(x)).sum().backward()
    # Shared by all maps: a softmax does not see what is added to every score.
    blind = {"score.2.bias"} if name in ("soft_spatial", "soft_channel", "hard") else set()
    for key, parameter in block.named_parameters():
        assert parameter.grad is not None
        assert key in blind or parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("name", FUSE)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("training", [True, False])
def test_blocks_stay_finite_under_autocast(name, dtype, training, maps):
    block = build_fuse(name, CHANNELS).train(training)
    x, y = (100 * m.requires_grad_() for m in maps)
    with torch.autocast("cpu", dtype=dtype):
        joined = block(x, y)
    assert joined.shape == x.shape
    assert torch.isfinite(joined).all()
    joined.float().mean().backward()
    assert torch.isfinite(maps[0].grad).all()


class Side(nn.Module):
    """Every block, and what it makes of the same maps."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict({name: build_fuse(name, CHANNELS) for name in FUSE})
        self.time = TemporalAttention(CHANNELS)

    def forward(self, fine: torch.Tensor, coarse: torch.Tensor) -> dict[str, torch.Tensor]:
        joined = {name: block(fine, coarse) for name, block in self.blocks.items()}
        return {**joined, "time": self.time(torch.stack([fine, joined["add"]], dim=1))}


def test_blocks_compile_to_one_graph(maps):
    fine, coarse = maps[0], maps[1][:, :, ::2, ::2]
    blocks = Side().train()
    torch._dynamo.reset()
    found = torch.compile(blocks, backend="aot_eager", fullgraph=True)(fine, coarse)
    expected = blocks(fine, coarse)
    drawn, _ = found.pop("hard"), expected.pop("hard")
    assert ((drawn == fine) | (drawn == nn.Upsample(scale_factor=2)(coarse))).all()
    torch.testing.assert_close(found, expected)


class Branches(nn.Module):
    """Two convolutions, one at half the resolution, and their joins by blocks that have all operations among them."""

    names = ("parallel_add", "se", "aff", "soft_spatial", "hard")

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(2, CHANNELS, 3, padding=1)
        self.coarse = nn.Conv2d(2, CHANNELS, 2, stride=2)
        self.joins = nn.ModuleList(build_fuse(name, CHANNELS) for name in self.names)
        self.time = TemporalAttention(CHANNELS)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        fine, coarse = self.fine(images), self.coarse(images)
        joined = torch.stack([join(fine, coarse) for join in self.joins], dim=1)
        return torch.cat([joined.flatten(1, 2), self.time(joined)], dim=1)


def test_a_network_with_blocks_exports_to_onnx_at_any_size(tmp_path):
    network = Branches().eval()
    size = {2: 2 * torch.export.Dim("rows", min=1, max=64), 3: 2 * torch.export.Dim("columns", min=1, max=64)}
    program = torch.onnx.export(
        network, (torch.rand(1, 2, 8, 12),), dynamo=True, opset_version=18, dynamic_shapes=(size,), verbose=False
    )
    program.save(tmp_path / "blocks.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "blocks.onnx", providers=["CPUExecutionProvider"])
    for height, width in ((8, 12), (2, 2), (6, 20)):
        images = torch.rand(1, 2, height, width)
        found = torch.from_numpy(session.run(None, {session.get_inputs()[0].name: images.numpy()})[0])
        torch.testing.assert_close(found, network(images), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NORMALISED)
def test_one_picture_in_training_is_refused_by_name_and_taken_in_evaluation(name):
    block, x = build_fuse(name, CHANNELS), torch.rand(1, CHANNELS, 4, 4)
    with pytest.raises(
        TrainingError, match=f"^{type(block).__name__} got a batch of one .* two or more, or call .eval"
    ):
        block.train()(x, x)
    assert torch.isfinite(block.eval()(x, x)).all()


@pytest.mark.parametrize("name", NORMALISED)
def test_one_picture_will_do_where_the_statistics_are_frozen(name):
    block, x = build_fuse(name, CHANNELS).train(), torch.rand(1, CHANNELS, 4, 4)
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    torch.testing.assert_close(block(x, x), copy.deepcopy(block).eval()(x, x))


@pytest.mark.parametrize("name", sorted(set(FUSE) - set(NORMALISED)))
def test_blocks_without_batch_normalisation_learn_from_one_picture(name):
    x = torch.rand(1, CHANNELS, 4, 4)
    assert build_fuse(name, CHANNELS).train()(x, x).shape == x.shape


@pytest.mark.parametrize("name", FUSE)
def test_maps_that_do_not_go_together_are_refused(name, maps):
    block, (x, y) = build_fuse(name, CHANNELS).eval(), maps
    with pytest.raises(ValueError, match=r"map 1 has shape \(2, 7, 6, 4\): expected \(2, 8, height, width\)"):
        block(x, y[:, :7])
    with pytest.raises(ValueError, match="give the finest map first"):
        block(x[:, :, :3, :2], y)
    with pytest.raises(ValueError, match="maps"):
        block()


def test_blocks_that_pool_say_so(maps):
    for name in FUSE:
        block = build_fuse(name, CHANNELS).eval()
        if name == "hard":
            nn.init.normal_(block.score[-1].weight)
        x, y = maps
        farther = x.clone()
        farther[:, :, 0, 0] += 5
        reached = not torch.allclose(block(farther, y)[:, :, 5, 3], block(x, y)[:, :, 5, 3], atol=1e-6)
        assert reached == getattr(block, "pools_globally", False), name


def test_a_block_is_built_by_name_by_class_by_function_or_from_a_ready_one():
    assert build_fuse("aff", CHANNELS, scale=2.0).scale == 2
    assert isinstance(build_fuse(AFF, CHANNELS), AFF)
    assert build_fuse(functools.partial(Add, mode="bilinear"), CHANNELS).mode == "bilinear"
    ready = AFF(CHANNELS)
    twins = [build_fuse(ready, CHANNELS) for _ in range(2)]
    for twin in twins:
        torch.testing.assert_close(twin.state_dict(), ready.state_dict())
    addresses = {parameter.data_ptr() for block in (ready, *twins) for parameter in block.parameters()}
    assert len(addresses) == 3 * len(list(ready.parameters()))


def test_what_cannot_be_built_is_named():
    with pytest.raises(RecipeError, match=r"fuse: no block 'iafff'; did you mean 'iaff'\? Known blocks: add, concat,"):
        build_fuse("iafff", CHANNELS)
    with pytest.raises(RecipeError, match=r"fuse: no block 'zzz'\. Known blocks: add"):
        build_fuse("zzz", CHANNELS)
    for wrong, shown in ((3, "3"), (["aff"], r"\['aff'\]"), ({}, "{}"), (None, "None")):  # as a recipe may have it
        with pytest.raises(RecipeError, match=rf"fuse: no block {shown}[.;].* Known blocks: add"):
            build_fuse(wrong, CHANNELS)
    with pytest.raises(ValueError, match="reduction 0: expected 1 or more"):
        build_fuse("aff", CHANNELS, reduction=0)
    with pytest.raises(ValueError, match="AFF is made already: give its options"):
        build_fuse(AFF(CHANNELS), CHANNELS, scale=2.0)
    with pytest.raises(ValueError, match="expected nearest or bilinear"):
        build_fuse("add", CHANNELS, mode="cubic")
    with pytest.raises(ValueError, match="expected modulus or stacked"):
        build_fuse("parallel_add", CHANNELS, output="phase")


def test_macs_are_those_of_plain_counting_and_counting_changes_nothing(maps):
    block = AFF(CHANNELS).train()
    block.context.at_large.eval()
    state = {key: value.clone() for key, value in block.state_dict().items()}
    positions, hidden = 6 * 4, 4
    assert count_macs(block, *(m[:1] for m in maps)) == 2 * CHANNELS * hidden * (positions + 1)
    assert block.training
    assert not block.context.at_large.training
    torch.testing.assert_close(block.state_dict(), state)
