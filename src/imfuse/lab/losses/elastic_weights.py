"""Elastic weight consolidation (Kirkpatrick et al., PNAS 2017): to learn a task without forgetting those before it.

FusionDN and U2Fusion train one network on one fusion task after the other with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.errors import ModelError

Batch = TypeVar("Batch")
SEPARATOR = "/"
"""In the names of buffers, which may not hold the dots of the names of parameters."""


def fisher_information(
    network: nn.Module, loss_of_batch: Callable[[Batch], Tensor], batches: Iterable[Batch]
) -> dict[str, Tensor]:
    """Mean over the batches of the squared gradient of the loss: how much each parameter matters to a task.

    It is the diagonal of the empirical Fisher information if the loss is a negative log likelihood and each batch is
    one sample; within larger batches gradients cancel, and the estimate comes out smaller.

    A loss that the network has brought to 0 has no gradient, and nothing would matter. A regression then takes as
    target what the network gives, with noise: `(f(x) - (f(x).detach() + torch.randn_like(f(x)))) ** 2 / 2`. That gives
    the Fisher information itself.

    Args:
        network: in the mode in which it computes; its gradients are left as they are.
        loss_of_batch: the scalar loss of the network on a batch.
        batches: of the task; a few hundred do.

    Returns:
        From 0 up, by the names of the parameters that are trained.

    Raises:
        ValueError: no batches.
    """
    parameters = _trained(network)
    squares = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    count = 0
    for batch in batches:
        count += 1
        with torch.enable_grad():
            loss = loss_of_batch(batch)
            gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
        for square, gradient in zip(squares.values(), gradients, strict=True):
            if gradient is not None:
                square.add_(gradient.square())
    if not count:
        raise ValueError("no batches: expected at least one to learn from what matters")
    return {name: square / count for name, square in squares.items()}


def elastic_weight_loss(
    network: nn.Module, anchor: Mapping[str, Tensor], importance: Mapping[str, Tensor]
) -> Float[Tensor, ""]:
    """1/2 sum_i F_i (theta_i - theta*_i)^2 (equation 3, without its lambda).

    Args:
        network: theta. Parameters that the anchor does not name are free, such as those of a new head.
        anchor: theta*, parameters after the tasks before, by name.
        importance: F, such as `fisher_information`, by the same names.

    Raises:
        ModelError: the anchor, or the importance, has names or shapes that do not fit.

    Example:
        >>> network = nn.Linear(2, 1, bias=False)
        >>> anchor = {"weight": network.weight.detach() - 0.1}
        >>> round(elastic_weight_loss(network, anchor, {"weight": torch.tensor([[100.0, 300.0]])}).item(), 4)
        2.0
    """
    parameters = dict(network.named_parameters())
    _check(parameters, anchor, importance)
    terms = [(importance[name] * (parameters[name] - anchor[name]).square()).sum() for name in anchor]
    return torch.stack(terms).sum() / 2 if terms else torch.zeros(())


class ElasticWeights(nn.Module):
    """Where the parameters of a network were after the last task, and how much each matters; in the state dict.

    Several tasks share one anchor, the parameters after the last of them, and their importances add up (Schwarz et
    al. 2018, online EWC, without decay): memory does not grow with the tasks.

    Args:
        network: that learns task after task; it is not held. Before the first `consolidate` nothing matters.

    Example:
        >>> network = nn.Linear(2, 1)
        >>> elastic = ElasticWeights(network)
        >>> elastic.consolidate(network, lambda batch: network(batch).square().mean(), [torch.ones(1, 2)])
        >>> elastic(network).item()
        0.0
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.names = tuple(_trained(network))
        for name, parameter in _trained(network).items():
            self.register_buffer(f"anchor.{name}".replace(".", SEPARATOR), parameter.detach().clone())
            self.register_buffer(f"importance.{name}".replace(".", SEPARATOR), torch.zeros_like(parameter))

    @property
    def anchor(self) -> dict[str, Tensor]:
        """Parameters after the last task, by name."""
        return self._held("anchor")

    @property
    def importance(self) -> dict[str, Tensor]:
        """How much each parameter matters to all tasks so far, by name."""
        return self._held("importance")

    @torch.no_grad()
    def consolidate(
        self, network: nn.Module, loss_of_batch: Callable[[Batch], Tensor], batches: Iterable[Batch]
    ) -> None:
        """Remember a task that the network has learnt; arguments as for `fisher_information`."""
        information = fisher_information(network, loss_of_batch, batches)
        parameters = dict(network.named_parameters())
        _check(parameters, self.anchor, self.importance)
        for name in self.names:
            self.anchor[name].copy_(parameters[name])
            self.importance[name].add_(information[name])

    def forward(self, network: nn.Module) -> Float[Tensor, ""]:
        """`elastic_weight_loss` of the network."""
        return elastic_weight_loss(network, self.anchor, self.importance)

    def _held(self, kind: str) -> dict[str, Tensor]:
        return {name: self.get_buffer(f"{kind}.{name}".replace(".", SEPARATOR)) for name in self.names}


def _trained(network: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def _check(parameters: Mapping[str, Tensor], anchor: Mapping[str, Tensor], importance: Mapping[str, Tensor]) -> None:
    for name, value in anchor.items():
        for where, values in (("network", parameters), ("importance", importance)):
            found = tuple(values[name].shape) if name in values else "nothing"
            if found != tuple(value.shape):
                raise ModelError(
                    f"the anchor has {name!r} with the shape {tuple(value.shape)}, the {where} has {found}: "
                    "give the network that was consolidated, or one with its parameters"
                )
