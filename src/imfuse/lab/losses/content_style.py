"""Content and style (Gatys, Ecker and Bethge 2016): what one image shows, in the manner of another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.losses._features import FeatureLoss, Features, LayerWeights
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses.perceptual import feature_distance
from imfuse.lab.losses.texture import NAMES, texture_distance
from imfuse.lab.losses.total_variation import total_variation_loss
from imfuse.lab.nn.feature_extractor import as_extractor
from imfuse.lab.nn.vgg_names import CONVOLUTIONS, vgg_layer

CONTENT_NAME = "relu4_2"


def content_style_loss(
    image: Float[Tensor, "b c h w"],
    content: tuple[Features, Features],
    style: tuple[Features, Features],
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    gamma: float = 0.0,
    content_weights: LayerWeights | None = None,
    style_weights: LayerWeights | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """The sum of alpha * content, beta * style and gamma * total variation (equation 7, and a term against noise).

    content is `perceptual_loss`, a mean where the paper has half the sum over the layer; style is `texture_loss`, the
    paper's. How beta / alpha works depends on the scale of the network's features: content grows by its square, style
    by its fourth power.

    Args:
        image: whose total variation (anisotropic) counts.
        content: features of deep layers, of the image and of the picture that gives the content.
        style: features of shallow layers, of the image and of the picture that gives the style, which may be of
            another size, and one for all images.
        alpha: weight of the content.
        beta: weight of the style.
        gamma: weight of the total variation.
        content_weights: of the deep layers; 1 each if None.
        style_weights: of the shallow layers; 1 each if None.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: layers or shapes that do not go together, or no such reduction.
    """
    total = alpha * feature_distance(*content, content_weights) + beta * texture_distance(*style, style_weights)
    if gamma:
        total = total + gamma * total_variation_loss(image, reduction="none")
    return reduced(total, reduction).to(image.dtype)


class ContentStyleLoss(FeatureLoss):
    """`content_style_loss` of images `(b, 1 or 3, h, w)` in [0, 1] by a network.

    Args:
        network: `vgg16`, `vgg19`, `mobilenet_v2`, a module, or a `FeatureExtractor`.
        content_layers: deep ones; None for relu4_2 of VGG, or the last of an extractor's layers.
        style_layers: shallow ones; None for relu1_1 to relu5_1 of VGG, or all but the last of an extractor's layers.
        network_weights: see the `weights` of `FeatureExtractor`.
        alpha: weight of the content.
        beta: weight of the style.
        gamma: weight of the total variation.
        content_weights: of the content's layers, in their order or by name; 1 each if None.
        style_weights: of the style's layers, in their order or by name; 1 each if None.
        reduction: over the images; `none` gives `(b,)`.
    """

    def __init__(
        self,
        network: str | nn.Module = "vgg19",
        content_layers: Sequence[str] | None = None,
        style_layers: Sequence[str] | None = None,
        network_weights: str | Path = "imagenet",
        *,
        alpha: float = 1.0,
        beta: float = 1.0,
        gamma: float = 0.0,
        content_weights: LayerWeights | None = None,
        style_weights: LayerWeights | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        if isinstance(network, str) and network in CONVOLUTIONS:
            content_layers = content_layers or [vgg_layer(network, CONTENT_NAME)]
            style_layers = style_layers or [vgg_layer(network, name) for name in NAMES]
        both = [*content_layers, *style_layers] if content_layers and style_layers else None
        super().__init__(network, both, network_weights)
        self.content_layers = tuple(content_layers or self.layers[-1:])
        self.style_layers = tuple(style_layers or self.layers[:-1])
        as_extractor(self.extractor, [*self.content_layers, *self.style_layers])  # refuses what it does not have
        self.loss = partial(
            content_style_loss,
            alpha=alpha,
            beta=beta,
            gamma=gamma,
            content_weights=content_weights,
            style_weights=style_weights,
            reduction=reduction,
        )

    def forward(
        self, image: Float[Tensor, "b c h w"], content: Float[Tensor, "b c h w"], style: Float[Tensor, "b c y x"]
    ) -> Tensor:
        """The loss of images, each with its content, and each with its style or all with one."""
        mine = self.extractor(image)
        return self.loss(
            image,
            content=(_of(mine, self.content_layers), _of(self.extractor(content), self.content_layers)),
            style=(_of(mine, self.style_layers), _of(self.extractor(style), self.style_layers)),
        )


def _of(features: dict[str, Tensor], layers: Sequence[str]) -> dict[str, Tensor]:
    return {layer: features[layer] for layer in layers}
