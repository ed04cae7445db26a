"""Triplet and contrastive losses against PyTorch and plain loops, and an embedding that learns by them."""

from __future__ import annotations

import itertools
import warnings
from types import ModuleType

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from imfuse.lab.losses.metric_learning import (
    ContrastiveLoss,
    MinedTripletLoss,
    TripletLoss,
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


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """pytorch-metric-learning, whose import may warn of what it uses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = pytest.importorskip("pytorch_metric_learning")
        pytest.importorskip("pytorch_metric_learning.losses")
        pytest.importorskip("pytorch_metric_learning.miners")
    return package


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


def euclidean(reference: ModuleType):
    return reference.distances.LpDistance(normalize_embeddings=False, p=2, power=1)


def triplet_reference(reference: ModuleType, reducer, margin: float = 0.2):
    return reference.losses.TripletMarginLoss(margin=margin, distance=euclidean(reference), reducer=reducer)


@pytest.mark.parametrize("margin", [0.2, 1.0])
def test_batch_all_is_that_of_pytorch_metric_learning(reference, embeddings, labels, margin):
    theirs = triplet_reference(reference, reference.reducers.AvgNonZeroReducer(), margin)(embeddings, labels)
    torch.testing.assert_close(mined_triplet_loss(embeddings, labels, "all", margin), theirs)


@pytest.mark.parametrize("margin", [0.2, 1.0])
def test_batch_hard_is_that_of_pytorch_metric_learning(reference, embeddings, labels, margin):
    triplets = reference.miners.BatchHardMiner(distance=euclidean(reference))(embeddings, labels)
    theirs = triplet_reference(reference, reference.reducers.MeanReducer(), margin)(embeddings, labels, triplets)
    torch.testing.assert_close(mined_triplet_loss(embeddings, labels, "hard", margin), theirs)


@pytest.mark.parametrize("margin", [0.2, 0.6])
def test_semi_hard_takes_the_worst_of_the_triplets_that_pytorch_metric_learning_calls_so(
    reference, embeddings, labels, margin
):
    """Of each pair; where none is semi-hard, an easy one costs nothing, and else the farthest negative counts."""
    costs: dict[str, dict[tuple[int, int], list[float]]] = {}
    for kind in ("semihard", "easy", "hard"):
        miner = reference.miners.TripletMarginMiner(margin, kind, distance=euclidean(reference))
        triplets = miner(embeddings, labels)
        of_triplets = triplet_loss(*(embeddings[place] for place in triplets), margin=margin, reduction="none")
        costs[kind] = {}
        for a, p, cost in zip(*(places.tolist() for places in triplets[:2]), of_triplets.tolist(), strict=True):
            costs[kind].setdefault((a, p), []).append(cost)
    pairs = set().union(*costs.values())
    expected = 0.0
    for pair in pairs:
        if pair in costs["semihard"]:
            expected += max(costs["semihard"][pair])
        elif pair not in costs["easy"]:
            expected += min(costs["hard"][pair])
    assert costs["semihard"]
    assert any(pair not in costs["semihard"] and pair not in costs["easy"] for pair in pairs)
    ours = mined_triplet_loss(embeddings, labels, "semi_hard", margin).item()
    assert ours == pytest.approx(expected / len(pairs), rel=1e-9)


def test_the_lists_of_triplets_are_those_of_pytorch_metric_learning(reference, embeddings, labels):
    miner = reference.miners.TripletMarginMiner(0.2, "all", distance=euclidean(reference))
    theirs = torch.stack(miner(embeddings, labels), dim=1).tolist()
    assert sorted(hard_triplets(embeddings, labels).tolist()) == sorted(theirs)
    every = reference.utils.loss_and_miner_utils.get_all_triplets_indices(labels)
    assert sorted(all_triplets(labels).tolist()) == sorted(torch.stack(every, dim=1).tolist())


@pytest.mark.parametrize("margin", [0.5, 1.0])
def test_contrastive_losses_are_half_the_squares_of_those_of_pytorch_metric_learning(
    reference, embeddings, labels, margin
):
    """Whose hinges are linear."""
    loss = reference.losses.ContrastiveLoss(
        0, margin, distance=euclidean(reference), reducer=reference.reducers.DoNothingReducer()
    )
    parts = loss(embeddings, labels)
    for name, same in (("pos_loss", True), ("neg_loss", False)):
        first, second = parts[name]["indices"]
        ours = contrastive_loss(
            embeddings[first], embeddings[second], torch.full((len(first),), same), margin, reduction="none"
        )
        torch.testing.assert_close(ours, parts[name]["losses"].square() / 2)


@pytest.mark.parametrize("mining", MININGS)
def test_the_reductions_of_a_batch_are_over_anchors_and_triplets(embeddings, labels, mining):
    each = mined_triplet_loss(embeddings, labels, mining, reduction="none")
    assert each.shape == (12,)
    assert each[10] == 0  # alone of its class
    torch.testing.assert_close(mined_triplet_loss(embeddings, labels, mining, reduction="sum"), each.sum())
    assert each.sum() > mined_triplet_loss(embeddings, labels, mining) > 0
    torch.testing.assert_close(MinedTripletLoss(mining, 0.2, "none")(embeddings, labels), each)
    with pytest.raises(ValueError, match="expected mean, sum or none"):
        mined_triplet_loss(embeddings, labels, mining, reduction="median")


def test_the_modules_are_the_functions(embeddings):
    triplet, same = embeddings.split(4), torch.tensor([True, False, True, False])
    torch.testing.assert_close(TripletLoss(0.5, "sum")(*triplet), triplet_loss(*triplet, 0.5, "sum"))
    torch.testing.assert_close(
        ContrastiveLoss(0.7, "none")(*triplet[:2], same), contrastive_loss(*triplet[:2], same, 0.7, "none")
    )


@pytest.mark.parametrize("count", [0, 3])
def test_equal_embeddings_and_empty_lists_have_finite_losses_and_gradients(count):
    embeddings = torch.ones(count, 4, requires_grad=True)
    triplet = triplet_loss(embeddings, embeddings, embeddings)
    pairs = contrastive_loss(embeddings, embeddings, torch.zeros(count, dtype=torch.bool))
    (triplet + pairs).backward()
    assert triplet.item() == pytest.approx(0.2 if count else 0)
    assert pairs.item() == pytest.approx(0.5 if count else 0)
    assert torch.isfinite(embeddings.grad).all()


def test_the_gradients_of_lists_are_those_of_the_values(embeddings):
    triplet, same = [part.clone().requires_grad_() for part in embeddings.split(4)], torch.arange(4) % 2 == 0
    assert torch.autograd.gradcheck(triplet_loss, triplet)
    assert torch.autograd.gradcheck(lambda a, b: contrastive_loss(a, b, same, 2.0), triplet[:2])


@pytest.mark.parametrize("mining", [*MININGS, None])
def test_they_compile_whole_and_stay_finite_in_half_precision(embeddings, labels, mining):
    """But for the lists of triplets, whose length depends on the labels."""

    def loss(embeddings: torch.Tensor) -> torch.Tensor:
        if mining is not None:
            return mined_triplet_loss(embeddings, labels, mining)
        return triplet_loss(*embeddings.split(4)) + contrastive_loss(*embeddings.split(6), labels[:6] == labels[6:])

    expected = loss(embeddings)
    torch.testing.assert_close(torch.compile(loss, backend="aot_eager", fullgraph=True)(embeddings), expected)
    half = loss(embeddings.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.double(), expected, rtol=0.1, atol=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(loss(embeddings.float()).double(), expected, rtol=0.1, atol=0)


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


def test_labels_that_are_not_one_a_row_are_refused(embeddings, labels):
    with pytest.raises(ValueError, match=r"labels \(12, 1\): expected \(12,\)"):
        mined_triplet_loss(embeddings, labels[:, None])


def test_an_unknown_mining_is_refused(embeddings, labels):
    with pytest.raises(ValueError, match="expected all, hard or semi_hard"):
        mined_triplet_loss(embeddings, labels, "soft")


@pytest.mark.parametrize("mining", MININGS)
def test_an_embedding_learns_to_part_rings(mining):
    generator = torch.Generator().manual_seed(0)
    kinds = torch.arange(45) % 3
    angle = 6.28 * torch.rand(45, generator=generator)
    points = (1.0 + kinds)[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    before = _retrieved(F.normalize(network(points)), kinds)
    for _ in range(120):
        loss = mined_triplet_loss(F.normalize(network(points)), kinds, mining)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert _retrieved(F.normalize(network(points)), kinds) > max(before, 0.9)


def _retrieved(embeddings: torch.Tensor, kinds: torch.Tensor) -> float:
    """Share whose nearest other one is of the same kind."""
    distance = torch.cdist(embeddings, embeddings).fill_diagonal_(torch.inf)
    return (kinds[distance.argmin(1)] == kinds).double().mean().item()
