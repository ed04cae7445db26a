"""Two branches: what each sees, how a mask or a concatenation joins them, sizes and reach."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.nn.branches import Branch, ConcatenatedJoin, Joined, MaskedJoin, TwoBranches
from imfuse.lab.nn.feature_fusion import count_parameters
from imfuse.lab.nn.genotype import CellGene

LOCAL = [CellGene("csc", ("spatial_3", "dil_3"))]
OTHER = [CellGene("csc", ("res_5",)), CellGene("csc", ("sep_3",))]


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def three(*size: int) -> torch.Tensor:
    """Infrared, visible and fused."""
    return images(3, 1, 1, *size)


@torch.no_grad()
def test_a_mask_of_the_first_features_weighs_both(awake):
    join = awake(MaskedJoin(4))
    first, second = images(2, 4, 5, 6) - 0.5, images(2, 4, 5, 6, seed=1)
    twice, once, mean = join.mask.weight[0, :, 0, 0]
    score = (twice + once) * first.max(1).values + mean * first.sum(1) / 4
    mask = (1 / (1 + torch.exp(-score)))[:, None]
    torch.testing.assert_close(join(first, second), join.head(mask * first + (1 - mask) * second))
    torch.testing.assert_close(join(first, first), join.head(first))
    assert count_parameters(join.mask) == 3


@torch.no_grad()
def test_a_join_by_mask_ends_linear_and_one_by_concatenation_in_tanh(awake):
    first, second = images(1, 4, 5, 6), images(1, 4, 5, 6, seed=1)
    masked, concatenated = awake(MaskedJoin(4)), awake(ConcatenatedJoin(4))
    for parameter in (*masked.head[-1].parameters(), *concatenated.head[-1].parameters()):
        parameter.fill_(40.0)
    assert masked(first, second).abs().max() > 1
    assert concatenated(first, second).abs().max() <= 1
    joined = concatenated.head(torch.cat([first, second], 1))
    torch.testing.assert_close(concatenated(first, second), torch.tanh(joined))
    kinds = [type(layer).__name__ for layer in masked.head]
    assert kinds == [type(layer).__name__ for layer in concatenated.head] == ["Conv2d"] * 3


@torch.no_grad()
def test_a_branch_sees_its_source_and_the_fused_image_and_makes_an_image_in_the_range_of_tanh(awake):
    branch = awake(Branch(LOCAL, 4))
    source, fused = images(2, 1, 8, 8), images(2, 1, 8, 8, seed=1)
    features, image = branch(source, fused)
    assert features.shape == (2, 4, 8, 8)
    assert image.shape == (2, 1, 8, 8)
    torch.testing.assert_close(features, branch.trunk(torch.cat([source, fused], 1)))
    torch.testing.assert_close(image, torch.tanh(branch.image(features)))
    assert not torch.allclose(branch(fused, source)[0], features)


@pytest.mark.parametrize("masked", [True, False])
@torch.no_grad()
def test_each_branch_has_its_source_and_weights_of_its_own(masked, awake):
    network = awake(TwoBranches([LOCAL, OTHER], 4, masked=masked))
    A, B, fused = three(8, 12)
    made = network(A, B, fused)
    assert isinstance(made, Joined)
    assert {image.shape for image in made} == {(1, 1, 8, 12)}
    other_B = network(A, B.flip(-1), fused)
    assert torch.equal(other_B.first, made.first)
    assert not torch.equal(other_B.second, made.second)
    assert not torch.equal(other_B.fused, made.fused)
    other_A = network(A.flip(-1), B, fused)
    assert torch.equal(other_A.second, made.second)
    assert not torch.equal(other_A.fused, made.fused)
    assert not {id(p) for p in network.first.parameters()} & {id(p) for p in network.second.parameters()}


@pytest.mark.parametrize("masked", [True, False])
def test_two_branches_reach_as_far_as_they_say(masked, awake, reach):
    network = awake(TwoBranches([LOCAL, OTHER], 4, masked=masked))
    side = 2 * network.margin + 6
    assert reach(lambda x: network(*x.split(1, 1)).fused, (1, 3, side, side)) == network.margin == 2 + 2 + (4 + 2)


def test_a_cell_that_sees_the_whole_picture_in_one_branch_takes_the_margin_away():
    pooling, local = [CellGene("csc", ("channel_3",))], LOCAL
    assert TwoBranches([pooling, local], 4).margin is None
    assert TwoBranches([local, pooling], 4).margin is None
    assert TwoBranches([local, local], 4).margin == 2 + 3 + 2


@torch.no_grad()
def test_the_size_multiple_is_that_of_the_branch_that_asks_for_more(awake):
    network = awake(TwoBranches([LOCAL, [CellGene("cms", ("dil_3",))]], 4))
    assert network.size_multiple == 4
    assert network(*three(4, 8)).fused.shape == (1, 1, 4, 8)
    assert TwoBranches([LOCAL, LOCAL], 4).size_multiple == 2


@pytest.mark.parametrize("masked", [True, False])
def test_everything_learns_from_the_three_images(masked):
    torch.manual_seed(0)
    network = TwoBranches([LOCAL, OTHER], 4, masked=masked)
    made = network(*torch.rand(3, 2, 1, 8, 8))
    sum(image.square().mean() for image in made).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


@torch.no_grad()
def test_evaluation_of_one_picture_leaves_the_statistics():
    network = TwoBranches([LOCAL, OTHER], 4).eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    sources = torch.rand(3, 2, 1, 8, 8)
    torch.testing.assert_close(network(*sources[:, :1]).fused, network(*sources).fused[:1])
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
