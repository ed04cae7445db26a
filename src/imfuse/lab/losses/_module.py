"""A loss function with its options bound: what the modules of the losses share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor, nn

from imfuse.lab.losses._reduction import Reduction


class LossModule(nn.Module):
    """Calls `function` with the options that its subclass was made with.

    A subclass names its function and takes the function's options, each by its name and with the same default.
    """

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options

    def forward(self, *inputs: Any, **more: Any) -> Tensor:
        """The loss of the inputs of the function."""
        return type(self).function(*inputs, **more, **self.options)

    def extra_repr(self) -> str:
        """The options, for printing."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


class PlainLoss(LossModule):
    """A loss whose only option is its reduction."""

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
