"""Hard attention draws by its scores, has the right gradient, and learns with either estimator."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from imfuse.lab.nn.feature_fusion import HardAttention, HardSelection

ESTIMATORS = ("reinforce", "gumbel")
CHANNELS, CLASSES = 8, 4


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def marked_positions(batch: int = 64, side: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Every position shows a class in the first channels; the one that counts is marked in the others."""
    labels, places = torch.randint(CLASSES, (batch,)), torch.randint(side * side, (batch,))
    shown = torch.randint(CLASSES, (batch, side * side))
    shown[torch.arange(batch), places] = labels
    maps = torch.randn(batch, CHANNELS, side * side) * 0.5
    maps[:, :CLASSES] += 2 * F.one_hot(shown, CLASSES).mT
    maps[torch.arange(batch), CLASSES:, places] += 2
    return maps.unflatten(2, (side, side)), labels


def marked_maps(batch: int = 32, side: int = 4) -> tuple[list[torch.Tensor], torch.Tensor]:
    """At each position one of two maps has a high first channel, and shows a scene; the other shows noise."""
    scene = torch.randn(batch, CHANNELS, side, side)
    noise = torch.randn(batch, CHANNELS, side, side)
    in_first = torch.rand(batch, 1, side, side) < 0.5
    maps = [torch.where(in_first, scene, noise), torch.where(in_first, noise, scene)]
    for each, marked in zip(maps, (in_first, ~in_first), strict=True):
        each[:, :1] = torch.where(marked, 2.0, -2.0)
    scene[:, 0] = 2.0
    return maps, scene


def steps(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_it_learns_to_look_at_the_one_position_that_tells_the_class(estimator):
    attention = HardAttention(CHANNELS, estimator=estimator, reduction=1)
    head = nn.Linear(CHANNELS, CLASSES)
    # The head is faster: scores that move before it can tell classes apart follow chance, and may stay there.
    rates = [{"params": attention.parameters(), "lr": 0.01}, {"params": head.parameters(), "lr": 0.05}]
    optimiser = torch.optim.Adam(rates)
    before = _accuracy(attention, head)
    for _ in range(250):
        maps, labels = marked_positions()
        costs = F.cross_entropy(head(attention(maps).flatten(1)), labels, reduction="none")
        loss = costs.mean() + (attention.reinforce_loss(-costs) if estimator == "reinforce" else 0)
        steps(optimiser, loss)
    assert before < 0.5
    assert _accuracy(attention, head) > 0.9


@torch.no_grad()
def _accuracy(attention: HardAttention, head: nn.Module) -> float:
    maps, labels = marked_positions(256)
    seen = attention.eval()(maps).flatten(1)
    attention.train()
    return (head(seen).argmax(1) == labels).double().mean().item()


@pytest.mark.parametrize("rewards", ["a position", "a picture"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_it_learns_to_select_the_map_that_shows_the_scene(estimator, rewards):
    selection = HardSelection(CHANNELS, estimator=estimator)
    optimiser = torch.optim.Adam(selection.parameters(), 0.02)
    for _ in range(150):
        maps, scene = marked_maps()
        costs = (selection(*maps) - scene).square().mean(1)
        reward = -costs if rewards == "a position" else -costs.mean((1, 2))
        steps(optimiser, selection.reinforce_loss(reward) if estimator == "reinforce" else costs.mean())
    maps, scene = marked_maps()
    right = (selection.eval()(*maps) == scene).all(1).double().mean()
    assert right > 0.95


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_positions_are_drawn_as_often_as_the_softmax_of_their_scores_says(estimator):
    attention = HardAttention(1, estimator=estimator)
    maps = torch.tensor([0.0, 1.0, 2.0, -1.0]).reshape(1, 1, 2, 2)
    drawn = attention(maps.expand(20000, 1, 2, 2)).flatten()
    expected = attention.score(maps).flatten().softmax(0)
    found = torch.stack([torch.isclose(drawn, value).double().mean() for value in maps.flatten()])
    torch.testing.assert_close(found, expected.double(), atol=0.015, rtol=0)


def test_the_gradient_of_reinforce_is_on_average_that_of_the_expected_reward():
    attention = HardAttention(2, estimator="reinforce")
    maps, rewards = torch.randn(1, 2, 2, 2), torch.tensor([1.0, -2.0, 0.5, 3.0])
    expected_reward = (attention.score(maps).flatten().softmax(0) * rewards).sum()
    exact = torch.autograd.grad(-expected_reward, attention.score[-1].weight)[0]
    glimpse = attention(maps.expand(100_000, 2, 2, 2))[:, :, 0, 0]
    place = (glimpse[:, :, None] - maps.flatten(2)).abs().sum(1).argmin(1)
    attention.baseline.fill_(0.7)
    estimate = torch.autograd.grad(attention.reinforce_loss(rewards[place]), attention.score[-1].weight)[0]
    torch.testing.assert_close(estimate, exact, atol=0.02, rtol=0.05)


def test_the_log_probability_is_that_of_what_was_drawn():
    attention = HardAttention(1, estimator="reinforce")
    maps = torch.arange(8.0).reshape(2, 1, 2, 2)
    drawn = attention(maps).flatten()
    scores = attention.score(maps).flatten(1).log_softmax(1)
    expected = scores[torch.arange(2), (maps.flatten(1) == drawn[:, None]).double().argmax(1)]
    torch.testing.assert_close(attention.log_probability, expected)


def test_the_baseline_follows_the_reward_in_training_only():
    attention = HardAttention(1, estimator="reinforce")
    attention(torch.rand(4, 1, 3, 3))
    for _ in range(100):
        attention.reinforce_loss(torch.full((4,), 5.0))
    assert attention.baseline.item() == pytest.approx(5, abs=0.01)
    assert attention.reinforce_loss(torch.full((4,), 5.0)).item() == pytest.approx(0, abs=0.05)
    attention.eval().reinforce_loss(torch.zeros(4))
    assert attention.baseline.item() == pytest.approx(5, abs=0.01)


def test_in_evaluation_the_likeliest_is_taken():
    attention, selection = HardAttention(CHANNELS).eval(), HardSelection(CHANNELS).eval()
    x, y = torch.randn(2, 3, CHANNELS, 4, 5).unbind()
    best = attention.score(x).flatten(1).argmax(1)
    torch.testing.assert_close(attention(x).flatten(1), x.flatten(2)[torch.arange(3), :, best])
    torch.testing.assert_close(selection(x, y), torch.where(selection.score(x) >= selection.score(y), x, y))


def test_positions_of_maps_of_any_resolution_stand_side_by_side():
    attention = HardAttention(2).eval()
    fine, coarse = torch.randn(1, 2, 4, 4), torch.randn(1, 2, 2, 2)
    features = torch.cat([fine.flatten(2), coarse.flatten(2)], dim=2)
    best = attention.score(features[..., None]).flatten().argmax()
    torch.testing.assert_close(attention(fine, coarse)[..., 0, 0], features[:, :, best])


@pytest.mark.parametrize("block", [HardAttention, HardSelection])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda block: pickle.loads(pickle.dumps(block))])
def test_a_block_can_be_copied_while_it_trains(block, duplicate):
    attention = block(CHANNELS, estimator="reinforce")
    x = torch.rand(2, CHANNELS, 3, 3)
    attention(x, x)
    twin = duplicate(attention)
    assert twin.log_probability is None
    torch.testing.assert_close(twin.eval()(x, x), attention.eval()(x, x))


@pytest.mark.parametrize("shape", [(4, 1), (1,), (), (4, 1, 3, 3), (4, 3)])
def test_rewards_that_would_be_broadcast_are_refused(shape):
    maps = torch.rand(4, CHANNELS, 3, 3)
    attention, selection = (block(CHANNELS, estimator="reinforce") for block in (HardAttention, HardSelection))
    attention(maps)
    selection(maps, maps)
    with pytest.raises(ValueError, match=r"expected \(4,\), as the last call drew"):
        attention.reinforce_loss(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"expected \(4,\) or \(4, 3, 3\), as the last call drew"):
        selection.reinforce_loss(torch.zeros(shape))


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="expected reinforce or gumbel"):
        HardAttention(4, estimator="guess")
    with pytest.raises(ValueError, match="expected more than 0"):
        HardAttention(4, temperature=0)
    with pytest.raises(ValueError, match="has no reinforce_loss"):
        HardAttention(4).reinforce_loss(torch.zeros(1))
    with pytest.raises(ValueError, match="call the block in training"):
        HardAttention(4, estimator="reinforce").reinforce_loss(torch.zeros(1))
    with pytest.raises(ValueError, match="expected 1 or more"):
        HardAttention(4)()
