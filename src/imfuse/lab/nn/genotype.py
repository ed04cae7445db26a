"""`Genotype`: a fusion network as a small value with a text form, for recipes, cards and logs (no torch).

    x1 w48 direct cms(res_3 dil_3) csc(dense_3 dil_3)

is TIM's fusion network: it works at full resolution with 48 channels, has a direct head, and two cells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from imfuse.errors import RecipeError

KINDS = ("csc", "cms", "cdc")
"""Cells: successive, multi-scale, decomposition."""

RESOLUTIONS = (1, 2, 4)
"""Pixels a side that one feature covers: full, half and quarter resolution."""

HEADS = ("direct", "blend", "pyramid")
"""From features to the fused image: the image itself, a weight map and a residual, or a learned pyramid."""

OPERATOR_NAMES = (
    "sep_3", "sep_5", "dil_3", "dil_5", "res_3", "res_5", "dense_3", "dense_5", "spatial_3", "channel_3", "conv_3",
)  # fmt: skip
"""Names of `imfuse.lab.nn.operators.OPERATORS`, known here without torch."""

_CELL = re.compile(r"(\w+)\(([^()]*)\)")
_WHOLE = re.compile(r"\s*x(\d+)\s+w(\d+)\s+(\w+)((?:\s+\w+\([^()]*\))*)\s*")


@dataclass(frozen=True)
class CellGene:
    """One cell.

    Attributes:
        kind: one of `KINDS`.
        operators: their names, in sequence.

    Raises:
        RecipeError: no such kind or operator, or no operators.

    Example:
        >>> str(CellGene("csc", ("res_3", "channel_3")))
        'csc(res_3 channel_3)'
    """

    kind: str
    operators: tuple[str, ...]

    def __post_init__(self) -> None:
        _check("cell", self.kind, KINDS)
        if not self.operators:
            raise RecipeError(f"genotype: a cell {self.kind!r} without operators; name at least one")
        for operator in self.operators:
            _check("operator", operator, OPERATOR_NAMES)

    def __str__(self) -> str:
        return f"{self.kind}({' '.join(self.operators)})"


@dataclass(frozen=True)
class Genotype:
    """One network.

    Attributes:
        cells: from the sources to the fused image; none leaves stem and head.
        resolution: pixels a side that one feature covers, one of `RESOLUTIONS`.
        width: channels of the features, even.
        head: one of `HEADS`.

    Raises:
        RecipeError: a value that is none of these.

    Example:
        >>> genotype = Genotype.parse("x2 w16 blend csc(conv_3 spatial_3)")
        >>> genotype.resolution, genotype.cells[0].kind
        (2, 'csc')
        >>> str(genotype)
        'x2 w16 blend csc(conv_3 spatial_3)'
    """

    cells: tuple[CellGene, ...]
    resolution: int = 1
    width: int = 48
    head: str = "direct"

    def __post_init__(self) -> None:
        if self.resolution not in RESOLUTIONS:
            raise RecipeError(f"genotype: resolution {self.resolution}; expected one of {RESOLUTIONS}")
        if self.width < 2 or self.width % 2:
            raise RecipeError(f"genotype: width {self.width}; expected an even number from 2 up")
        _check("head", self.head, HEADS)

    def __str__(self) -> str:
        return " ".join([f"x{self.resolution} w{self.width} {self.head}", *map(str, self.cells)])

    @classmethod
    def parse(cls, text: str) -> Genotype:
        """Read the text form.

        Raises:
            RecipeError: not such a text, or a name in it that is not known.
        """
        match = _WHOLE.fullmatch(text)
        if not match:
            raise RecipeError(f"genotype {text!r}: expected a text such as 'x1 w48 direct csc(res_3 dil_3)'")
        resolution, width, head, cells = match.groups()
        genes = (CellGene(kind, tuple(names.split())) for kind, names in _CELL.findall(cells))
        return cls(tuple(genes), int(resolution), int(width), head)


def _check(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        near = get_close_matches(str(name), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise RecipeError(f"genotype: no {what} {name!r}{hint} Known: {', '.join(known)}")
