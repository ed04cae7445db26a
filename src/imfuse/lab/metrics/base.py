"""What the metric classes share: the mean over all images, batch by batch and process by process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import torch
import torchmetrics
from jaxtyping import Float
from torch import Tensor

from imfuse.errors import MetricError
from imfuse.lab.metrics.registry import IMFUSE


class FusionMetric(torchmetrics.Metric):
    """Mean of a functional metric over images; a subclass names the function.

    Only the sum of the values and the number of images are kept, so that memory does not grow and every image weighs
    the same, however large its batch was and whichever process saw it. One infinite value, such as the PSNR of equal
    images, makes the mean infinite. Before the first image the mean is NaN, with a warning.

    Attributes:
        name: as the tables give it; the key in `METRICS`.
        function: of `imfuse.lab.metrics.functional`.
        inputs: `fused`, `sources` or `colour`, as in `METRICS`.
        conventions: names that `convention` takes.

    Args:
        convention: one of `conventions`.
        options: keywords of `torchmetrics.Metric`, such as `process_group`.

    Raises:
        MetricError: no such convention.

    Example:
        >>> from imfuse.lab.metrics import EdgeTransfer
        >>> metric = EdgeTransfer()
        >>> sources = torch.rand(5, 2, 16, 16)
        >>> value_of_the_batch = metric(sources.mean(1, keepdim=True), sources)
        >>> metric.update(sources.amax(1, keepdim=True), sources)
        >>> bool(0 < metric.compute() < 1)
        True
    """

    name: ClassVar[str]
    function: ClassVar[Callable[..., Tensor]]
    inputs: ClassVar[Literal["fused", "sources", "colour"]] = "sources"
    conventions: ClassVar[tuple[str, ...]] = (IMFUSE,)
    higher_is_better = True
    is_differentiable = True
    full_state_update = False

    def __init__(self, convention: str = IMFUSE, **options: Any) -> None:
        super().__init__(**options)
        if convention not in self.conventions:
            raise MetricError(
                f"{self.name}: no convention {convention!r}; expected one of {', '.join(self.conventions)}"
            )
        self.convention = convention
        # A MetricCollection takes metrics whose states have the same names and, after one batch, the same values for
        # one and the same. Two measures that are both 0 there are not, so that each has a name of its own.
        self.sum_name = f"{self.name}_{convention}_sum"
        self.add_state(self.sum_name, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, fused: Float[Tensor, "b c h w"], sources: Float[Tensor, "b n h w"] | None = None) -> None:
        """Add the values of a batch.

        Args:
            fused: `(b, 1, h, w)`, or `(b, 3, h, w)` for a metric of colour; uint8, or floats in [0, 1].
            sources: `(b, n, h, w)`, or the colour source `(b, 3, h, w)`; not looked at by metrics of the fused image
                alone, so that all are called alike.

        Raises:
            MetricError: images that cannot be measured, or no sources for a metric that needs them.
        """
        values = self._measure(fused, sources)
        total = getattr(self, self.sum_name)
        setattr(self, self.sum_name, total + values.sum(dtype=total.dtype))
        self.count = self.count + len(values)

    def compute(self) -> Float[Tensor, ""]:
        """The mean over all images since the last reset."""
        return getattr(self, self.sum_name) / self.count

    def _measure(self, fused: Tensor, sources: Tensor | None) -> Tensor:
        options = self._options()
        if self.inputs == "fused":
            return self.function(fused, **options)
        if sources is None:
            raise MetricError(f"{self.name} compares the fused image with its sources; give both: (fused, sources)")
        return self.function(fused, sources, **options)

    def _options(self) -> dict[str, Any]:
        """Keywords of the function."""
        return {} if self.convention == IMFUSE else {"convention": self.convention}

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> torch.nn.Module:
        try:
            return super()._apply(fn, exclude_state)
        except TypeError:  # a device without float64, such as Apple's
            self.set_dtype(torch.float32)
            return super()._apply(fn, exclude_state)
