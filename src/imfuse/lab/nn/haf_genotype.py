"""`HAFGenotype`: a network of HAF as a small value with a text form, for recipes, cards and logs (no torch).

    w48 ffm cms(res_3 dil_3) csc(dense_3 dil_3) target csc(spatial_3 dil_3) detail csc(channel_3 spatial_3)

has 48 channels, two cells in the feature-level module, and one in each branch of the object-level module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from imfuse.errors import RecipeError
from imfuse.lab.nn.genotype import CellGene, Genotype

EXAMPLE = "w48 ffm csc(res_3 dil_3) target csc(spatial_3 dil_3) detail csc(channel_3 spatial_3)"

_CELLS = r"((?:\s+\w+\([^()]*\))*)"
_WHOLE = re.compile(rf"\s*w(\d+)\s+ffm{_CELLS}\s+target{_CELLS}\s+detail{_CELLS}\s*")


@dataclass(frozen=True)
class HAFGenotype:
    """One network of HAF.

    Attributes:
        ffm: cells of the feature-level fusion module, from the sources to the first fused image.
        target: cells of the branch of the first source, such as infrared.
        detail: cells of the branch of the second source, such as visible.
        width: channels of the features, even.

    Raises:
        RecipeError: a value that is none of these.

    Example:
        >>> genotype = HAFGenotype.parse("w16 ffm cms(res_3) target csc(spatial_3 dil_3) detail")
        >>> genotype.width, genotype.target[0].operators, genotype.detail
        (16, ('spatial_3', 'dil_3'), ())
        >>> str(genotype)
        'w16 ffm cms(res_3) target csc(spatial_3 dil_3) detail'
    """

    ffm: tuple[CellGene, ...]
    target: tuple[CellGene, ...]
    detail: tuple[CellGene, ...]
    width: int = 48

    def __post_init__(self) -> None:
        Genotype((), width=self.width)  # which says what is wrong with a width

    def __str__(self) -> str:
        parts = {"ffm": self.ffm, "target": self.target, "detail": self.detail}
        words = (word for name, cells in parts.items() for word in (name, *map(str, cells)))
        return " ".join([f"w{self.width}", *words])

    @classmethod
    def parse(cls, text: str) -> HAFGenotype:
        """Read the text form.

        Raises:
            RecipeError: not such a text, or a name in it that is not known.
        """
        match = _WHOLE.fullmatch(text)
        if not match:
            raise RecipeError(f"genotype {text!r}: expected a text such as {EXAMPLE!r}")
        width, *parts = match.groups()
        # The cells of each part are read as those of a network of their own.
        ffm, target, detail = (Genotype.parse(f"x1 w{width} direct {cells}").cells for cells in parts)
        return cls(ffm, target, detail, int(width))
