"""Triplet and contrastive losses against PyTorch and plain loops, and an embedding that learns by them."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from imfuse.lab.losses.metric_learning import (
    MinedTripletLoss,
    all_triplets,
    contrastive_loss,
    hard_triplets,
    mined_triplet_loss,
    triplet_loss,
)

MININGS = ("all", "hard", "semi_hard")


@pytest.fixture
def embeddings() -> torch.Tensor:
    return F.normalize(torch.randn(12, 4, generator=torch.Generator().manual_seed(0), dtype=torch.double))


@pytest.fixture
def labels() -> torch.Tensor:
    return torch.tensor([0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 0])  # 3 is alone


def plain(embeddings: torch.Tensor, labels: torch.Tensor, mining: str, margin: float = 0.2) -> float:
    d = torch.cdist(embeddings, embeddings).tolist()
    kind, costs = labels.tolist(), []
    for a in range(len(kind)):
        positives = [p for p in range(len(kind)) if p != a and kind[p] == kind[a]]
        negatives = [n for n in range(len(kind)) if kind[n] != kind[a]]
        if mining == "hard" and positives:
            costs.append(max(0, max(d[a][p] for p in positives) - min(d[a][n] for n in negatives) + margin))
        if mining == "all":
            each = (max(0, d[a][p] - d[a][n] + margin) for p, n in itertools.product(positives, negatives))
            costs += [cost for cost in each if cost > 0]
        if mining == "semi_hard":
            for p in positives:
                beyond = [d[a][n] for n in negatives if d[a][n] > d[a][p]]
                chosen = min(beyond) if beyond else max(d[a][n] for n in negatives)
                costs.append(max(0, d[a][p] - chosen + margin))
    return sum(costs) / len(costs)


@pytest.mark.parametrize("mining", MININGS)
@pytest.mark.parametrize("margin", [0.2, 1.0])
def test_mining_is_that_of_plain_loops(embeddings, labels, mining, margin):
    ours = mined_triplet_loss(embeddings, labels, mining, margin).item()
    assert ours == pytest.approx(plain(embeddings, labels, mining, margin), rel=1e-9)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_triplet_loss_is_that_of_pytorch(embeddings, reduction):
    triplet = embeddings.split(4)
    expected = F.triplet_margin_loss(*triplet, margin=0.2, eps=0, reduction=reduction)
    torch.testing.assert_close(triplet_loss(*triplet, reduction=reduction), expected)


def test_the_contrastive_loss_in_closed_form():
    first, second = torch.zeros(3, 2), torch.tensor([[0.6, 0.8], [0.3, 0.4], [3.0, 4.0]])
    losses = contrastive_loss(first, second, torch.tensor([True, False, False]), reduction="none")
    torch.testing.assert_close(losses, torch.tensor([0.5, 0.125, 0.0]))


def test_every_valid_triplet_is_listed_and_the_hard_ones_worst_first(embeddings, labels):
    triplets = all_triplets(labels).tolist()
    kind = labels.tolist()
    expected = [
        [a, p, n]
        for a, p, n in itertools.product(range(len(kind)), repeat=3)
        if a != p and kind[a] == kind[p] != kind[n]
    ]
    assert triplets == expected
    hard = hard_triplets(embeddings, labels)
    cost = triplet_loss(*(embeddings[place] for place in hard.T), reduction="none")
    assert (cost > 0).all()
    assert (cost.diff() <= 0).all()
    assert 0 < len(hard) < len(triplets)


@pytest.mark.parametrize("mining", MININGS)
@pytest.mark.parametrize("kinds", [[0, 0, 0], [0, 1, 2], [0, 0, 1]])
def test_equal_embeddings_and_batches_without_triplets_have_finite_values_and_gradients(mining, kinds):
    embeddings = torch.ones(3, 4, requires_grad=True)
    loss = MinedTripletLoss(mining)(embeddings, torch.tensor(kinds))
    loss.backward()
    assert loss.item() == pytest.approx(0.2 if len(set(kinds)) == 2 else 0)
    assert torch.isfinite(embeddings.grad).all()


@pytest.mark.parametrize("mining", MININGS)
def test_the_gradient_is_that_of_the_value(embeddings, labels, mining):
    assert torch.autograd.gradcheck(lambda x: mined_triplet_loss(x, labels, mining), embeddings.requires_grad_())


def test_an_unknown_mining_is_refused(embeddings, labels):
    with pytest.raises(ValueError, match="expected all, hard or semi_hard"):
        mined_triplet_loss(embeddings, labels, "soft")


@pytest.mark.parametrize("mining", MININGS)
def test_an_embedding_learns_to_part_rings(mining):
    generator = torch.Generator().manual_seed(0)
    kinds = torch.arange(90) % 3
    angle = 6.28 * torch.rand(90, generator=generator)
    points = (1.0 + kinds)[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    before = _retrieved(F.normalize(network(points)), kinds)
    for _ in range(150):
        loss = mined_triplet_loss(F.normalize(network(points)), kinds, mining)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert _retrieved(F.normalize(network(points)), kinds) > max(before, 0.9)


def _retrieved(embeddings: torch.Tensor, kinds: torch.Tensor) -> float:
    """Share whose nearest other one is of the same kind."""
    distance = torch.cdist(embeddings, embeddings).fill_diagonal_(torch.inf)
    return (kinds[distance.argmin(1)] == kinds).double().mean().item()
