"""A loss of the weights and the architecture, made of a module whose parameters they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.parallel import DataParallel, DistributedDataParallel

from imfuse.lab.search.hypergradient.problem import Loss, Tensors

Call = Callable[..., Any]
"""Runs the module with the parameters put in their places: `call(*inputs)`."""


def module_loss(
    module: nn.Module, weights: Sequence[str], architecture: Sequence[str], loss: Callable[[Call], Tensor]
) -> Loss:
    """Make a `Loss` that puts its tensors in place of parameters of the module.

    The module stays as it is: its mode, its parameters and their `.grad`, and its buffers, of which each call uses a
    copy. So running statistics of batch norm neither move nor enter a gradient. Parameters that are not named are held
    constant.

    Args:
        module: the bare module, because a wrapper for many processes would exchange gradients by itself.
        weights: names of the parameters that are theta, in the order of the tensors.
        architecture: names of the parameters that are alpha, in the order of the tensors.
        loss: the scalar, from a callable that runs the module.

    Raises:
        ValueError: a wrapped module, a name that is no parameter, or one parameter that is named twice.

    Example:
        >>> import torch
        >>> square = module_loss(nn.Linear(1, 1), ["weight"], ["bias"], lambda call: call(torch.ones(1)).square().sum())
        >>> square((torch.tensor([[2.0]]),), (torch.tensor([1.0]),)).item()
        9.0
    """
    names = _own_names(module, (*weights, *architecture))

    def evaluate(theta: Tensors, alpha: Tensors) -> Tensor:
        replaced = dict(zip(names, (*theta, *alpha), strict=True))
        return loss(lambda *inputs, **options: _run(module, replaced, inputs, options))

    return evaluate


def _run(module: nn.Module, replaced: dict[str, Tensor], inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    values: dict[Tensor, Tensor] = {buffer: buffer.clone() for buffer in module.buffers()}
    for name, parameter in module.named_parameters():
        values[parameter] = replaced.get(name, parameter.detach())
    # torch's own tying would leave the given tensors in a sub-module that is reached by two paths, so every place is
    # named here, once.
    places = {name: values[tensor] for name, tensor in _places(module)}
    return functional_call(module, places, inputs, options, tie_weights=False)


def _places(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Each parameter and buffer of each sub-module, of shared sub-modules once, of shared tensors each time."""
    for prefix, part in module.named_modules():
        yield from part.named_parameters(prefix, recurse=False, remove_duplicate=False)
        yield from part.named_buffers(prefix, recurse=False, remove_duplicate=False)


def _own_names(module: nn.Module, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names by which the module lists these parameters: the first of each, where sub-modules are shared."""
    kind = type(module).__name__
    if isinstance(module, DataParallel | DistributedDataParallel):
        raise ValueError(f"{kind}: expected the bare module; give its attribute `module`")
    parameters = dict(module.named_parameters(remove_duplicate=False))
    if unknown := [name for name in names if name not in parameters]:
        nearest = get_close_matches(unknown[0], parameters, cutoff=0)
        raise ValueError(f"no parameters of {kind}: {', '.join(unknown)}; it has such as {', '.join(nearest)}")
    first = {parameter: name for name, parameter in module.named_parameters()}
    own = tuple(first[parameters[name]] for name in names)
    if twice := [name for name, listed in zip(names, own, strict=True) if own.count(listed) > 1]:
        raise ValueError(f"{', '.join(twice)}: names of one parameter of {kind}, or given twice; name it once")
    return own
