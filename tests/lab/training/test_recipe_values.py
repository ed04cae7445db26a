"""Values of recipes: which are refused, and in what words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from imfuse.errors import RecipeError
from imfuse.lab.training.recipe_types import check_types
from imfuse.lab.training.recipe_values import typed


@dataclass(frozen=True)
class Part:
    steps: int
    level: Literal["macro", "micro"] = "macro"


@dataclass(frozen=True)
class Whole:
    name: str
    part: Part
    rate: float = 0.5
    budget: float | None = None
    devices: int | Literal["auto"] = "auto"
    weight: float | list[float] = 0.0
    together: bool = False
    pair: tuple[str, str] = ("a", "b")
    sizes: tuple[int, ...] = ()
    parts: tuple[Part, ...] = ()
    terms: dict[str, float | dict[str, Any]] = field(default_factory=dict)


GOOD: dict[str, Any] = {"name": "own", "part": {"steps": 3}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rate": "fast"}, "field rate: 'fast'; expected a number"),
        ({"budget": "abc"}, "field budget: 'abc'; expected a number or null"),
        ({"devices": "autp"}, "field devices: 'autp'; expected a whole number or auto; did you mean 'auto'?"),
        ({"weight": [1, "x"]}, "field weight[1]: 'x'; expected a number"),
        ({"together": 3}, "field together: 3; expected true or false"),
        ({"pair": ["a"]}, "field pair: ['a']; expected a list of 2 texts"),
        ({"sizes": [1.5]}, "field sizes[0]: 1.5; expected a whole number"),
        ({"part": {"steps": 1, "level": "mirco"}}, "expected one of macro, micro; did you mean 'micro'?"),
        ({"part": {}}, "field part.steps: missing; expected a whole number"),
        ({"part": 3}, "field part: 3; expected a mapping of steps, level"),
        ({"parts": [{"level": "macro"}]}, "field parts[0].steps: missing; expected a whole number"),
        ({"terms": {"ssim": "much"}}, "field terms.ssim: 'much'; expected a number or a mapping"),
    ],
)
def test_a_value_of_another_type_is_refused_by_field_and_expectation(changes, message):
    with pytest.raises(RecipeError) as caught:
        typed(Whole, {**GOOD, **changes}, "own.yaml")
    assert str(caught.value).startswith("own.yaml, field ")
    assert str(caught.value).endswith(message)


def test_a_missing_field_is_named():
    with pytest.raises(RecipeError, match=r"own\.yaml, field name: missing; expected text$"):
        typed(Whole, {"part": {"steps": 1}}, "own.yaml")


@pytest.mark.parametrize(
    "changes",
    [
        {"budget": None}, {"budget": 3}, {"devices": "auto"}, {"devices": 2}, {"weight": [0.0, 1]}, {"together": True},
        {"pair": ["x", "y"]}, {"sizes": [1, 2]}, {"parts": [{"steps": 1}]}, {"terms": {"ssim": {"weight": "x"}}},
    ],
)  # fmt: skip
def test_what_a_recipe_takes_is_never_refused(changes):
    values = {**GOOD, **changes}
    check_types(values, Whole, "own.yaml")
    assert isinstance(typed(Whole, values, "own.yaml"), Whole)


def test_text_that_says_the_value_does_as_well_and_parts_may_be_missing():
    texts = {"rate": "1e-3", "budget": "null", "sizes": "[1, 2]", "together": "yes", "part": {"level": "macro"}}
    check_types(texts, Whole, "command line", partial=True)
    with pytest.raises(RecipeError, match="field name: missing"):
        check_types(texts, Whole, "own.yaml")


def test_every_field_of_a_recipe_that_comes_with_imfuse_is_of_its_type():
    from imfuse.lab.training.recipe import Recipe
    from imfuse.lab.training.recipe_files import find_recipe, read_recipe

    check_types(dataclasses.asdict(read_recipe(find_recipe("ivif"))), Recipe, "ivif")
