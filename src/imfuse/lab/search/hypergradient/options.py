"""Checks of the numbers that a recipe gives to a method."""

from __future__ import annotations

from imfuse.errors import RecipeError


def check_count(name: str, value: int) -> None:
    """Raise a RecipeError unless the value is a whole number from 1 up.

    >>> check_count("terms", 0)
    Traceback (most recent call last):
    imfuse.errors.RecipeError: hypergradient option terms: 0; expected a whole number, 1 or more
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise RecipeError(f"hypergradient option {name}: {value!r}; expected a whole number, 1 or more")


def check_number(name: str, value: float, *, zero: bool) -> None:
    """Raise a RecipeError unless the value is a finite number above zero, or zero where that is allowed.

    >>> check_number("rate", -0.1, zero=False)
    Traceback (most recent call last):
    imfuse.errors.RecipeError: hypergradient option rate: -0.1; expected a number above 0
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not (0 < value < float("inf") or (zero and value == 0)):
        raise RecipeError(
            f"hypergradient option {name}: {value!r}; expected a number {'from 0 up' if zero else 'above 0'}"
        )
