"""Metric learning: embeddings in which like lies near and unlike far (triplet and contrastive losses)."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._module import LossModule
from imfuse.lab.losses._reduction import Reduction, reduced

Mining = Literal["all", "hard", "semi_hard"]
MARGIN = 0.2
EPSILON = 1e-12


def triplet_loss(
    anchor: Float[Tensor, "t d"],
    positive: Float[Tensor, "t d"],
    negative: Float[Tensor, "t d"],
    margin: float = MARGIN,
    reduction: Reduction = "mean",
) -> Tensor:
    """max(0, d(a, p) - d(a, n) + margin), d the L2 distance (after Schroff et al. 2015, FaceNet, equation 3).

    For triplets that were mined before (offline). 0 where the negative is farther than the positive by the margin.

    Args:
        anchor: embeddings, usually of length 1.
        positive: of the same class as its anchor.
        negative: of another class.
        margin: by how much the negative should be farther.
        reduction: `none` gives `(t,)`; `mean` of no triplet is 0.
    """
    near, far = _distance(anchor, positive), _distance(anchor, negative)
    return _of_list(F.relu(near - far + margin), reduction)


def contrastive_loss(
    first: Float[Tensor, "p d"],
    second: Float[Tensor, "p d"],
    same: Bool[Tensor, " p"],
    margin: float = 1.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """d^2 / 2 for like pairs, max(0, margin - d)^2 / 2 for unlike ones (Hadsell, Chopra and LeCun 2006, equation 4).

    Args:
        first: embeddings of one side of a Siamese network.
        second: of its other side.
        same: whether a pair is of one class.
        margin: distance beyond which unlike pairs cost nothing.
        reduction: `none` gives `(p,)`; `mean` of no pair is 0.
    """
    distance = _distance(first, second)
    return _of_list(torch.where(same, distance, F.relu(margin - distance)).square() / 2, reduction)


def mined_triplet_loss(
    embeddings: Float[Tensor, "b d"],
    labels: Int[Tensor, " b"],
    mining: Mining = "hard",
    margin: float = MARGIN,
    reduction: Reduction = "mean",
) -> Tensor:
    """Triplet loss over the triplets of a batch (online mining).

    Memory: b^2 d for the distances, and b^3 beside it for `all` and `semi_hard`.

    Args:
        embeddings: usually of length 1.
        labels: class of each; a class alone in the batch gives no anchor.
        mining: `all`: mean over the valid triplets that cost anything. `hard`: each anchor with its farthest positive
            and its nearest negative (Hermans, Beyer and Leibe 2017, equation 5). `semi_hard`: each pair with the
            nearest negative that is farther than the positive, or the farthest negative where there is none
            (FaceNet, section 3.2).
        margin: by how much negatives should be farther.
        reduction: `mean`: over the triplets that count by the mining. `sum`: of them. `none`: `(b,)`, the sum of those
            of each anchor.

    Returns:
        0, with a gradient of 0, where the batch has no triplet.

    Raises:
        ValueError: not one label for each embedding, or no such mining or reduction.
    """
    if labels.shape != embeddings.shape[:1]:
        raise ValueError(f"labels {tuple(labels.shape)}: expected ({len(embeddings)},), one for each embedding")
    distance = _distance(embeddings[:, None], embeddings[None])
    same = labels[:, None] == labels[None]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    if mining == "hard":
        far, near = _farthest(distance, positive), _nearest(distance, ~same)
        return _reduced(F.relu(far - near + margin), positive.any(1) & ~same.all(1), reduction)
    if mining == "semi_hard":
        beyond = ~same[:, None, :] & (distance[:, None, :] > distance[:, :, None])
        each = distance[:, None, :].expand_as(beyond)
        near = torch.where(beyond.any(2), _nearest(each, beyond), _farthest(distance, ~same)[:, None])
        return _reduced(F.relu(distance - near + margin), positive & ~same.all(1, keepdim=True), reduction)
    if mining == "all":
        costs = F.relu(distance[:, :, None] - distance[:, None, :] + margin)
        valid = positive[:, :, None] & ~same[:, None, :]
        return _reduced(costs, valid & (costs > 0), reduction)
    raise ValueError(f"mining {mining!r}: expected all, hard or semi_hard")


def all_triplets(labels: Int[Tensor, " b"]) -> Int[Tensor, "t 3"]:
    """Anchor, positive and negative of every valid triplet, as places in `labels` (offline mining).

    How many there are depends on the labels, so that no compiled graph can hold it.

    Example:
        >>> all_triplets(torch.tensor([0, 0, 1])).tolist()
        [[0, 1, 2], [1, 0, 2]]
    """
    same = labels[:, None] == labels[None]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return (positive[:, :, None] & ~same[:, None, :]).nonzero()


def hard_triplets(
    embeddings: Float[Tensor, "b d"], labels: Int[Tensor, " b"], margin: float = MARGIN
) -> Int[Tensor, "t 3"]:
    """Those of `all_triplets` that cost something, the worst first: the list of an offline round of mining.

    As `all_triplets` for no compiled graph; memory grows with their number, up to b^3.
    """
    triplets = all_triplets(labels)
    cost = triplet_loss(*(embeddings[place] for place in triplets.T), margin=margin, reduction="none")
    order = cost.argsort(descending=True, stable=True)
    return triplets[order][cost[order] > 0]


class TripletLoss(LossModule):
    """`triplet_loss` as a module."""

    function = staticmethod(triplet_loss)

    def __init__(self, margin: float = MARGIN, reduction: Reduction = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)


class ContrastiveLoss(LossModule):
    """`contrastive_loss` as a module."""

    function = staticmethod(contrastive_loss)

    def __init__(self, margin: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)


class MinedTripletLoss(LossModule):
    """`mined_triplet_loss` as a module."""

    function = staticmethod(mined_triplet_loss)

    def __init__(self, mining: Mining = "hard", margin: float = MARGIN, reduction: Reduction = "mean") -> None:
        super().__init__(mining=mining, margin=margin, reduction=reduction)


def _distance(first: Tensor, second: Tensor) -> Tensor:
    """L2 distance, whose gradient is 0 rather than undefined where it is 0."""
    square = (first - second).square().sum(-1)
    apart = square > EPSILON
    return torch.where(apart, square, 1).sqrt() * apart


def _farthest(distance: Tensor, among: Tensor) -> Tensor:
    return torch.where(among, distance, -torch.inf).amax(-1)


def _nearest(distance: Tensor, among: Tensor) -> Tensor:
    return torch.where(among, distance, torch.inf).amin(-1)


def _of_list(losses: Tensor, reduction: Reduction) -> Tensor:
    return losses.sum() if reduction == "mean" and len(losses) == 0 else reduced(losses, reduction)


def _reduced(costs: Tensor, counted: Tensor, reduction: Reduction) -> Tensor:
    """Of the costs of triplets, whose first dim is the anchor, those that are counted."""
    of_anchors = torch.where(counted, costs, 0).reshape(len(costs), -1).sum(1)
    if reduction == "mean":
        return of_anchors.sum() / counted.sum().clamp_min(1)
    return reduced(of_anchors, reduction)
