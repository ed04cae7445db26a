"""What a network of super-resolution is trained for: pixels, features, edges and a discriminator, weighted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.losses._features import LayerWeights
from imfuse.lab.losses.adversarial import ADVERSARIAL
from imfuse.lab.losses.gradient import edge_preserving_loss
from imfuse.lab.losses.perceptual import PerceptualLoss
from imfuse.lab.losses.pixel import mae_loss, mse_loss
from imfuse.lab.nn.gradients import Operator

Pixel = Literal["l1", "mse"]
PIXEL = {"l1": mae_loss, "mse": mse_loss}


class SuperResolutionLoss(nn.Module):
    """A weighted sum of the losses of super-resolution; a weight of 0 leaves a term out, and what it needs.

    By default pixels and edges, which need no network. Training against a discriminator (ESRGAN, Wang et al. 2018)
    usually has pixels, features and discriminator at 1, 1 and 0.1 (Real-ESRGAN, Wang et al. 2021).

    Args:
        pixel_weight: of the error of pixels.
        edge_weight: of `edge_preserving_loss`.
        perceptual_weight: of `PerceptualLoss`.
        adversarial_weight: of the generator's part of an adversarial loss.
        pixel: `l1` (sharper) or `mse` (the best PSNR).
        operator: of the gradients of the edges.
        adversarial: a name of `ADVERSARIAL`.
        network: of the perceptual loss: `vgg16`, `vgg19`, `mobilenet_v2`, a module, or a `FeatureExtractor`.
        layers: of the network; None for its five levels.
        network_weights: see the `weights` of `FeatureExtractor`.
        layer_weights: of the layers; 1 each if None.

    Raises:
        ValueError: no such pixel or adversarial loss, or weights that are all 0.

    Example:
        >>> image, target = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
        >>> total, terms = SuperResolutionLoss(edge_weight=0.5)(image, target)
        >>> total.item(), sorted(terms)
        (1.0, ['edge', 'pixel'])
    """

    def __init__(
        self,
        pixel_weight: float = 1.0,
        edge_weight: float = 0.1,
        perceptual_weight: float = 0.0,
        adversarial_weight: float = 0.0,
        *,
        pixel: Pixel = "l1",
        operator: Operator = "sobel",
        adversarial: str = "non_saturating",
        network: str | nn.Module = "vgg19",
        layers: Sequence[str] | None = None,
        network_weights: str | Path = "imagenet",
        layer_weights: LayerWeights | None = None,
    ) -> None:
        super().__init__()
        for name, known, value in (("pixel", PIXEL, pixel), ("adversarial", ADVERSARIAL, adversarial)):
            if value not in known:
                raise ValueError(f"{name} {value!r}: expected {', '.join(known)}")
        named = {"pixel": pixel_weight, "edge": edge_weight}
        named |= {"perceptual": perceptual_weight, "adversarial": adversarial_weight}
        self.term_weights = {name: weight for name, weight in named.items() if weight}
        if not self.term_weights:
            raise ValueError(f"weights of {', '.join(named)} that are all 0: expected at least one other")
        self.pixel: Pixel = pixel
        self.operator: Operator = operator
        self.adversarial = adversarial
        wanted = "perceptual" in self.term_weights
        self.perceptual = PerceptualLoss(network, layers, network_weights, layer_weights) if wanted else None

    def forward(
        self,
        image: Float[Tensor, "b c h w"],
        target: Float[Tensor, "b c h w"],
        fake_logits: Tensor | None = None,
        real_logits: Tensor | None = None,
    ) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        """Total and the unweighted mean of each term.

        Args:
            image: super-resolved, in [0, 1].
            target: the true one.
            fake_logits: of the discriminator on the image, of any shape; needed by the adversarial term alone.
            real_logits: of the discriminator on the target; needed by the relativistic loss alone.

        Raises:
            ValueError: logits that the adversarial term needs are missing.
        """
        terms: dict[str, Tensor] = {}
        if "pixel" in self.term_weights:
            terms["pixel"] = PIXEL[self.pixel](image, target)
        if "edge" in self.term_weights:
            terms["edge"] = edge_preserving_loss(image, target, self.operator)
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(image, target)
        if "adversarial" in self.term_weights:
            if fake_logits is None:
                raise ValueError("fake_logits None: expected the discriminator's logits of the image")
            g_loss = ADVERSARIAL[self.adversarial].g_loss
            terms["adversarial"] = g_loss(fake_logits) if real_logits is None else g_loss(fake_logits, real_logits)
        return torch.stack([self.term_weights[name] * value for name, value in terms.items()]).sum(), terms
