"""The layers of VGG (Simonyan and Zisserman 2015): from the names of the literature to those of torchvision."""

from __future__ import annotations

from difflib import get_close_matches

from imfuse.errors import ModelError

CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Of each block."""


def vgg_layer(network: str, name: str) -> str:
    """The name that torchvision gives a layer; `conv3_4` is the fourth convolution of the third block.

    Args:
        network: `vgg16` or `vgg19`, without batch normalisation.
        name: `conv<block>_<number>`, `relu<block>_<number>` (the rectifier after it) or `pool<block>`.

    Raises:
        ModelError: no such network or layer.

    Example:
        >>> vgg_layer("vgg19", "conv3_4")
        'features.16'
    """
    if network not in CONVOLUTIONS:
        raise ModelError(f"no VGG {network!r}: expected {' or '.join(CONVOLUTIONS)}")
    names: list[str] = []
    for block, convolutions in enumerate(CONVOLUTIONS[network], start=1):
        for number in range(1, convolutions + 1):
            names += [f"conv{block}_{number}", f"relu{block}_{number}"]
        names.append(f"pool{block}")
    if name not in names:
        close = get_close_matches(name, names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ModelError(f"{network} has no layer {name!r}{hint} Its layers: {', '.join(names)}")
    return f"features.{names.index(name)}"
