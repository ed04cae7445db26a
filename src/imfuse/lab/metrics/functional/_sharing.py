"""What several metrics of the same images have in common, computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

KEPT_MEMORY = 31 << 20
"""Bytes, a little less than the largest block that the memory allocator of Linux learns from."""
P = ParamSpec("P")
R = TypeVar("R")
_memory: ContextVar[dict[tuple[Any, ...], tuple[Any, Any]] | None] = ContextVar("imfuse_shared_work", default=None)


@contextmanager
def shared_work() -> Iterator[None]:
    """Within it, metrics of the same tensors share the check of the images, maps of edges and joint histograms.

    The tensors must not be changed within; what is shared is kept until the end.

    Example:
        >>> import torch
        >>> from imfuse.lab.metrics import functional
        >>> fused, sources = torch.rand(1, 1, 32, 32), torch.rand(1, 2, 32, 32)
        >>> with shared_work():
        ...     kept, lost = functional.edge_transfer(fused, sources), functional.edge_loss(fused, sources)
    """
    # Having seen such a block come and go, the allocator keeps what is freed. Otherwise planes are given back to the
    # system and asked for again, page by page, which takes longer than some metrics.
    torch.empty(KEPT_MEMORY, dtype=torch.uint8)
    token = _memory.set({})
    try:
        yield
    finally:
        _memory.reset(token)


def shared(function: Callable[P, R]) -> Callable[P, R]:
    """Remember the result within `shared_work`, by the identity of tensors and the value of other arguments."""

    @wraps(function)
    def remembering(*args: P.args, **kwargs: P.kwargs) -> R:
        memory = None if torch.compiler.is_compiling() else _memory.get()
        if memory is None:
            return function(*args, **kwargs)
        arguments = (*args, *kwargs.items())
        key = (function, *(id(value) if isinstance(value, Tensor) else value for value in arguments))
        if key not in memory:
            # With the arguments, so that nothing else gets their identity.
            memory[key] = arguments, function(*args, **kwargs)
        return memory[key][1]

    return remembering
