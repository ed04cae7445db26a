"""What a fusion network is made of, in pieces whose latency is measured once and added up (no torch)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from imfuse.lab.nn.genotype import CellGene, Genotype
from imfuse.lab.nn.haf_genotype import HAFGenotype

COPIES: dict[str, tuple[int, ...]] = {"csc": (1,), "cdc": (1, 1), "cms": (1, 2, 4)}
"""For each copy of its operators that a cell has: how much wider and how much smaller its features are."""


class Part(NamedTuple):
    """One piece at one size.

    Attributes:
        kind: `operator`; `cell` for its frame without operators; `stem`; `head`; `join` for what joins the branches of
            HAF; `call` for what a call of the engine costs whatever the network.
        name: of the operator, cell, head or join; the kind again for the others.
        width: channels of the features at this part; 0 for the call.
        resolution: pixels a side that one feature covers at this part.

    Example:
        >>> str(Part("operator", "res_3", 32, 2))
        'operator res_3 w32 x2'
    """

    kind: Literal["call", "stem", "cell", "operator", "head", "join"]
    name: str
    width: int
    resolution: int

    def __str__(self) -> str:
        return f"{self.kind} {self.name} w{self.width} x{self.resolution}"


CALL = Part("call", "call", 0, 1)


def parts(genotype: Genotype | HAFGenotype) -> list[Part]:
    """Everything in a network, from the sources to the fused image; what it has twice is there twice.

    Example:
        >>> for part in parts(Genotype.parse("x2 w8 direct cdc(res_3)")):
        ...     print(part)
        call call w0 x1
        stem stem w8 x2
        cell cdc w8 x2
        operator res_3 w8 x2
        operator res_3 w8 x2
        head direct w8 x2
    """
    width = genotype.width
    if isinstance(genotype, HAFGenotype):
        first = [*_trunk(genotype.ffm, width), Part("head", "direct", width, 1)]
        branches = [*_trunk(genotype.target, width), *_trunk(genotype.detail, width)]
        return [CALL, *first, *branches, Part("join", "masked", width, 1)]
    head = Part("head", genotype.head, width, genotype.resolution)
    return [CALL, *_trunk(genotype.cells, width, genotype.resolution), head]


def operator_parts(kind: str, operator: str, width: int, resolution: int) -> list[Part]:
    """The copies of one operator of a cell, at the sizes at which the cell has them."""
    return [Part("operator", operator, factor * width, factor * resolution) for factor in COPIES[kind]]


def _trunk(cells: Sequence[CellGene], width: int, resolution: int = 1) -> list[Part]:
    found = [Part("stem", "stem", width, resolution)]
    for cell in cells:
        found.append(Part("cell", cell.kind, width, resolution))
        for operator in cell.operators:
            found += operator_parts(cell.kind, operator, width, resolution)
    return found
