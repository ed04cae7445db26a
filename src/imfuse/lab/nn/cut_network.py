"""A network that ends at some of its inner layers and gives their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import fx, nn

from imfuse.errors import ModelError


def cut_network(whole: nn.Module, layers: Sequence[str]) -> fx.GraphModule:
    """From the input to the values of the layers by name, without what comes after the deepest of them.

    Args:
        whole: a network of one input, whose weights the cut one shares and whose rectifiers stop working in place.
        layers: modules of the network by their names; of one that is used twice, the first use.

    Raises:
        ModelError: a forward that torch.fx does not trace, or a layer that it does not use.
    """
    for module in whole.modules():
        if "inplace" in vars(module):
            vars(module)["inplace"] = False  # else a rectifier overwrites the values of the convolution before it
    tracer = _Recorder()
    try:
        graph = tracer.trace(whole)
    except Exception as error:
        raise ModelError(
            f"{type(whole).__name__} cannot be cut at a layer: torch.fx does not trace it: {error}"
        ) from error
    kept: dict[str, fx.Node] = {}
    for layer in layers:
        result = tracer.results.get(layer)
        if not isinstance(result, fx.Proxy):
            raise ModelError(f"layer {layer!r} of {type(whole).__name__} gives no tensor when it is used")
        kept[layer] = result.node
    beyond = list(graph.nodes)
    while beyond[-1] not in kept.values():
        graph.erase_node(beyond.pop())
    if any(node.op in {"call_function", "call_method"} for node in beyond):  # such as +=, which changes what is kept
        for layer, node in kept.items():
            with graph.inserting_after(node):
                kept[layer] = graph.call_method("clone", (node,))
    graph.output(kept)
    return fx.GraphModule(whole, graph, "CutNetwork")


class _Recorder(fx.Tracer):
    """Remembers what each module returned at its first use."""

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[str, Any] = {}

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        result = super().call_module(m, forward, args, kwargs)
        self.results.setdefault(self.path_of_module(m), result)
        return result
