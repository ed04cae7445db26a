"""`HAFSpace`: the networks of HAF that a search looks among, as the options of each decision (no torch)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from imfuse.errors import RecipeError
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.search.choices import Choice, Picks, picked
from imfuse.lab.search.space import PAPER_OPERATORS, Space


@dataclass(frozen=True)
class HAFSpace:
    """The genotypes of HAF that these options allow; a field of one option is no choice.

    The choices of each part begin with its name, so that a search in stages can tell them apart: `ffm.cell1.kind`,
    `target.cell1.csc.op1`, `detail.cells`. The width is one for all parts.

    Attributes:
        kinds: of cells, of `imfuse.lab.nn.genotype.KINDS`; each cell chooses its own.
        operators: of `imfuse.lab.nn.genotype.OPERATOR_NAMES`; each place in a cell chooses its own.
        slots: operators a cell.
        ffm: numbers of cells of the feature-level module.
        target: numbers of cells of the target branch.
        detail: numbers of cells of the detail branch.
        widths: channels of the features, even.

    Raises:
        RecipeError: a field without options, or with one that is unknown, out of its range or there twice.

    Example:
        >>> space = HAFSpace(kinds=("csc",), operators=("res_3", "dil_3"), slots=1, ffm=(1,), target=(1,), detail=(0,))
        >>> [choice.name for choice in space.choices], space.size
        (['ffm.cell1.csc.op1', 'target.cell1.csc.op1'], 4)
        >>> str(space.genotype({"ffm.cell1.csc.op1": 0, "target.cell1.csc.op1": 1}))
        'w48 ffm csc(res_3) target csc(dil_3) detail'
    """

    kinds: tuple[str, ...] = ("csc", "cdc", "cms")
    operators: tuple[str, ...] = PAPER_OPERATORS
    slots: int = 2
    ffm: tuple[int, ...] = (2,)
    target: tuple[int, ...] = (2,)
    detail: tuple[int, ...] = (2,)
    widths: tuple[int, ...] = (48,)

    def __post_init__(self) -> None:
        Space(self.kinds, self.operators, self.slots, widths=self.widths)  # which says what is wrong with a field
        _ = self.parts

    @cached_property
    def parts(self) -> dict[str, Space]:
        """The space of the cells of each part, by the name of the part."""
        found = {}
        for name in ("ffm", "target", "detail"):
            with _naming(name):
                found[name] = Space(self.kinds, self.operators, self.slots, cells=getattr(self, name))
        return found

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Width, then part by part those of its space."""
        return self._choices

    @cached_property  # apart, because a protocol asks for a property
    def _choices(self) -> tuple[Choice, ...]:
        width = (Choice("width", self.widths, "macro"),) if len(self.widths) > 1 else ()
        parts = ((part, choice) for part, space in self.parts.items() for choice in space.choices)
        return (*width, *(replace(choice, name=f"{part}.{choice.name}") for part, choice in parts))

    @property
    def size(self) -> int:
        """How many different genotypes there are."""
        return len(self.widths) * prod(space.size for space in self.parts.values())

    def genotype(self, picks: Picks) -> HAFGenotype:
        """The genotype of these picks.

        Args:
            picks: an index for every choice; those of cells and kinds that are not picked may be there or not.

        Raises:
            RecipeError: no pick for a choice that matters, or an index without an option.
        """
        cells = {}
        for part, space in self.parts.items():
            start = f"{part}."
            with _naming(part):
                own = {name.removeprefix(start): pick for name, pick in picks.items() if name.startswith(start)}
                cells[part] = space.genotype(own).cells
        return HAFGenotype(**cells, width=picked("width", self.widths, picks))

    def picks(self, genotype: HAFGenotype) -> dict[str, int]:
        """The picks of the choices that a genotype decides, in the order of `choices`.

        Raises:
            RecipeError: the genotype is outside the space.
        """
        if genotype.width not in self.widths:
            raise RecipeError(
                f"genotype '{genotype}' is outside the search space: width {genotype.width}; expected one of "
                f"{self.widths}"
            )
        picks = {"width": self.widths.index(genotype.width)} if len(self.widths) > 1 else {}
        for part, space in self.parts.items():
            with _naming(part):
                own = space.picks(Genotype(getattr(genotype, part)))
            picks |= {f"{part}.{name}": pick for name, pick in own.items()}
        return picks

    def __contains__(self, genotype: HAFGenotype) -> bool:
        try:
            self.picks(genotype)
        except RecipeError:
            return False
        return True


@contextmanager
def _naming(part: str) -> Iterator[None]:
    """Say in errors of which part they are."""
    try:
        yield
    except RecipeError as error:
        raise RecipeError(f"{part}: {error}") from error
