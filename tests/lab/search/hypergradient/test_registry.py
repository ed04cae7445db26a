"""Methods by name, and what none of them may do."""

from __future__ import annotations

import pytest
import torch

from imfuse.errors import RecipeError
from imfuse.lab.search.hypergradient import HYPERGRADIENTS, Bilevel, check_hypergradient, hypergradient

OPTIONS = {"neumann": {"rate": 0.1}, "unrolled": {"rate": 0.1}}


def problem(**changes) -> Bilevel:
    parts = {
        "inner": lambda theta, alpha: (theta[0] * alpha[0] - 1).square().sum(),
        "outer": lambda theta, alpha: (theta[0] - 1).square().sum(),
        "weights": (torch.full((3,), 0.5), torch.ones(2)),
        "architecture": (torch.full((3,), 2.0), torch.ones(2, 2)),
    }
    return Bilevel(**{**parts, **changes})


@pytest.mark.parametrize("name", HYPERGRADIENTS)
def test_there_is_a_tensor_for_each_of_the_architecture_and_zeros_where_nothing_depends(name):
    given = problem()
    found = hypergradient(name, given, **OPTIONS.get(name, {}))
    assert [part.shape for part in found.architecture] == [part.shape for part in given.architecture]
    assert not found.architecture[1].any()
    assert not any(part.requires_grad for part in found.architecture)


@pytest.mark.parametrize("name", HYPERGRADIENTS)
@pytest.mark.parametrize("loss", ["inner", "outer"])
def test_a_loss_that_depends_on_nothing_corrects_nothing(name, loss):
    found = hypergradient(name, problem(**{loss: lambda theta, alpha: torch.tensor(2.0)}), **OPTIONS.get(name, {}))
    assert not any(part.any() for part in found.architecture)


@pytest.mark.parametrize("name", HYPERGRADIENTS)
def test_parameters_get_no_gradient_and_keep_their_values(name):
    parameters = [torch.nn.Parameter(torch.full((3,), 0.5)), torch.nn.Parameter(torch.full((3,), 2.0))]
    hypergradient(name, problem(weights=(parameters[0],), architecture=(parameters[1],)), **OPTIONS.get(name, {}))
    assert all(parameter.grad is None for parameter in parameters)
    assert parameters[0].tolist() == [0.5] * 3


@pytest.mark.parametrize("empty", ["weights", "architecture"])
def test_a_problem_without_tensors_is_refused(empty):
    with pytest.raises(ValueError, match=f"{empty} of a bilevel problem: there are none"):
        problem(**{empty: ()})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("newton", {}, "no such method; expected one of first_order, gauss_newton"),
        ("neumann", {"rate": 0.1, "term": 3}, "no option term; it has rate, terms"),
        ("first_order", {"rate": 0.1}, "no option rate; it has no options"),
        ("neumann", {}, "option rate is missing"),
        ("unrolled", {"steps": 2}, "option rate is missing"),
        ("gauss_newton", {"problem": 1}, "no option problem"),
    ],
)
def test_names_that_do_not_fit_are_refused_before_anything_is_computed(name, options, message):
    with pytest.raises(RecipeError, match=message):
        check_hypergradient(name, options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("neumann", {"rate": 0.0}, "rate: 0.0; expected a number above 0"),
        ("neumann", {"rate": 0.1, "terms": 0}, "terms: 0; expected a whole number"),
        ("neumann", {"rate": float("nan")}, "rate: nan"),
        ("unrolled", {"rate": "fast"}, "rate: 'fast'"),
        ("unrolled", {"rate": 0.1, "steps": 1.5}, "steps: 1.5"),
        ("gauss_newton", {"eps": 0}, "eps: 0; expected a number above 0"),
        ("conjugate_gradient", {"iterations": 0}, "iterations: 0"),
        ("conjugate_gradient", {"damping": -1.0}, "damping: -1.0; expected a number from 0 up"),
        ("conjugate_gradient", {"tolerance": float("inf")}, "tolerance: inf"),
        ("newton", {}, "no such method"),
    ],
)
def test_values_out_of_range_are_refused(name, options, message):
    with pytest.raises(RecipeError, match=message):
        hypergradient(name, problem(), **options)
