"""The networks of TIM (Liu et al., TPAMI 2024, arXiv 2305.15862): fusion N_F, and enhancement N_T.

Every convolution outside the cells has a bias and a mirrored border. N_F has 994,917 parameters, and 127,358 in its
light form; N_T for infrared and visible has 237,308.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from imfuse.errors import RecipeError
from imfuse.lab.models.searched import SearchedFusion
from imfuse.lab.nn.branches import TwoBranches
from imfuse.lab.nn.genotype import CellGene

WIDTH = 48

FUSION = {
    "full": "x1 w48 direct cms(res_3 dil_3) csc(dense_3 dil_3)",
    "light": "x1 w48 direct csc(res_3 channel_3) csc(res_3 channel_3)",
}
"""Genotypes of the paper's fusion networks."""

ENHANCEMENT: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "infrared-visible": (("spatial_3", "dil_3"), ("channel_3", "spatial_3")),
    "ct-mri": (("res_5", "spatial_3"), ("res_5", "res_5")),
    "pet-mri": (("res_3", "res_5"), ("sep_3", "res_5")),
    "spect-mri": (("res_3", "spatial_3"), ("res_5", "dense_3")),
}
"""Operators of the cells of the paper's enhancement networks: of the first source's branch, and of the second's."""


class TIMFusion(SearchedFusion):
    """N_F: fuse two sources at full resolution, by two cells of 48 channels.

    Args:
        variant: `full`, a multi-scale and a successive cell; or `light`, two successive cells.

    Raises:
        RecipeError: no such variant.

    Example:
        >>> sum(parameter.numel() for parameter in TIMFusion("light").parameters())
        127358
    """

    def __init__(self, variant: Literal["full", "light"] = "full") -> None:
        if variant not in FUSION:
            raise RecipeError(f"variant {variant!r}; expected one of {', '.join(FUSION)}")
        super().__init__(FUSION[variant])


class TIMEnhancement(TwoBranches):
    """N_T: enhance a fused image beside its sources, by a branch of each with two successive cells.

    The branches of infrared and visible meet by a mask on that of the infrared source; medical ones are concatenated.

    Args:
        operators: a name of `ENHANCEMENT`, or the operators of the cells of each branch.
        masked: whether a mask joins the branches; None: not in the medical networks of `ENHANCEMENT`.

    Raises:
        RecipeError: no such name or operator, or not two branches.

    Example:
        >>> import torch
        >>> A, B, fused = torch.rand(3, 1, 1, 16, 16)
        >>> TIMEnhancement("ct-mri")(A, B, fused).fused.shape
        torch.Size([1, 1, 16, 16])
    """

    def __init__(
        self, operators: str | Sequence[Sequence[str]] = "infrared-visible", *, masked: bool | None = None
    ) -> None:
        named = isinstance(operators, str)
        if named and operators not in ENHANCEMENT:
            raise RecipeError(
                f"operators {operators!r}; expected the names of operators, or one of {', '.join(ENHANCEMENT)}"
            )
        genes = ENHANCEMENT[operators] if isinstance(operators, str) else operators
        if len(genes) != 2:
            raise RecipeError(f"operators of {len(genes)} branches; expected those of two, one for each source")
        cells = [[CellGene("csc", tuple(names))] * 2 for names in genes]
        super().__init__(cells, WIDTH, masked=not (named and operators.endswith("mri")) if masked is None else masked)
