"""Short trainings: what they see, what they measure, and that nothing but the network decides the loss."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from imfuse.errors import TrainingError
from imfuse.lab.data.batches import FusionBatch
from imfuse.lab.losses.objective import Objective
from imfuse.lab.models.haf import HAF
from imfuse.lab.models.searched import SearchedFusion
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.search.proxy import ProxyEvaluation
from imfuse.lab.search.space import Space
from imfuse.lab.search.strategies import random_search
from imfuse.lab.training import optimisation
from imfuse.lab.training.recipe import OptimiserRecipe

RECIPE = OptimiserRecipe(learning_rate=1e-2, weight_decay=0.0)
GENOTYPE = Genotype.parse("x1 w4 direct csc(conv_3)")


def batch(seed: int) -> FusionBatch:
    sources = torch.rand(2, 2, 8, 8, generator=torch.Generator().manual_seed(seed))
    return FusionBatch(sources, sources)


def held_out(number: int) -> FusionBatch:
    return batch(1000 + number)


def distance(fused, targets):
    value = (fused - targets.amax(1, keepdim=True)).square().mean()
    return value, {"distance": value.detach()}


def proxy(make=SearchedFusion, objective=distance, recipe=RECIPE, **options) -> ProxyEvaluation:
    return ProxyEvaluation(make, batch, held_out, objective, recipe, **{"steps": 4, "validation_batches": 2, **options})


class Gain(nn.Module):
    """One weight times the first source."""

    def __init__(self, genotype=None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))

    def forward(self, sources):
        return self.weight * sources[:, :1]


def test_the_same_genotype_has_the_same_loss_whatever_was_drawn_before():
    evaluate = proxy()
    first = evaluate(GENOTYPE)
    torch.manual_seed(123)
    torch.rand(7)
    state = torch.get_rng_state()
    assert evaluate(GENOTYPE) == proxy()(GENOTYPE) == first
    assert torch.equal(torch.get_rng_state(), state)
    assert proxy(seed=1)(GENOTYPE) != first


def test_without_learning_it_is_the_mean_loss_of_the_first_weights_on_the_validation_batches():
    evaluate = proxy(Gain, recipe=OptimiserRecipe(learning_rate=0.0), validation_batches=3)
    expected = [distance(0.5 * one.sources[:, :1], one.targets)[0].item() for one in map(held_out, range(3))]
    assert evaluate(None) == pytest.approx(sum(expected) / 3)


def test_it_follows_adam_over_the_training_batches():
    weight = torch.tensor(0.5, requires_grad=True)
    reference = torch.optim.Adam([weight], lr=1e-2)
    for step in range(4):
        for group in reference.param_groups:
            group["lr"] = 1e-2 * 0.5 * (1 + math.cos(math.pi * step / 4))
        reference.zero_grad()
        one = batch(step)
        distance(weight * one.sources[:, :1], one.targets)[0].backward()
        reference.step()
    expected = [distance(weight * one.sources[:, :1], one.targets)[0].item() for one in map(held_out, range(2))]
    assert proxy(Gain)(None) == pytest.approx(sum(expected) / 2, rel=1e-5)


def test_longer_trainings_end_lower():
    losses = [proxy(steps=steps)(GENOTYPE) for steps in (1, 10, 60)]
    assert all(later < earlier for earlier, later in pairwise(losses))


def test_the_learning_rate_is_reached_however_few_the_updates(monkeypatch):
    rates = []
    monkeypatch.setattr(optimisation, "set_learning_rate", lambda optimiser, rate: rates.append(rate))
    proxy(Gain, recipe=OptimiserRecipe(learning_rate=1.0, warmup=100), steps=20)(None)
    assert len(rates) == 20
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[-1] < 0.02


class Watched(Gain):
    """Notes for each call whether it, and its batch norm, are in training, and the statistics."""

    def __init__(self, calls: list) -> None:
        super().__init__()
        self.norm, self.calls = nn.BatchNorm2d(1), calls

    def forward(self, sources):
        fused = self.norm(super().forward(sources))
        self.calls.append((self.training, self.norm.training, int(self.norm.num_batches_tracked)))
        return fused


def test_batch_norm_keeps_its_statistics_while_the_network_is_judged():
    calls: list = []
    assert math.isfinite(proxy(Watched, steps=3)(calls))
    assert calls == [(True, True, 1), (True, True, 2), (True, True, 3), (True, False, 3), (True, False, 3)]


def test_terms_of_images_that_a_network_makes_in_training_are_judged_too():
    terms = {"intensity": 1.0, "first": {"weight": 1.0, "loss": "intensity", "image": "first_fused"}}
    make = lambda genotype: HAF("w4 ffm csc(conv_3) target csc(conv_3) detail csc(conv_3)")  # noqa: E731
    whole, alone = (proxy(make, Objective(some), steps=1)(None) for some in (terms, {"intensity": 1.0}))
    assert math.isfinite(whole)
    assert whole > alone


def test_scheduled_weights_are_those_of_the_end_when_it_is_judged():
    terms = {"intensity": {"weight": {"first": 0, "last": 3}}}
    still = OptimiserRecipe(learning_rate=0.0)
    scheduled = proxy(Gain, Objective(terms), still)(None)
    assert scheduled == pytest.approx(3 * proxy(Gain, Objective({"intensity": 1.0}), still)(None))


def not_a_number(fused, targets):
    return fused.mean() * math.nan, {}


def not_judged(fused, targets):
    return (fused.mean() / 0, {}) if fused.is_leaf else (fused.mean(), {})  # where the network is not in the graph


def refusing(fused, targets):
    raise TrainingError("a term is not finite")


@pytest.mark.parametrize("objective", [not_a_number, not_judged, refusing])
def test_a_candidate_that_diverges_has_an_infinite_loss(objective):
    assert proxy(objective=objective)(GENOTYPE) == math.inf


def test_weights_that_grow_without_bound_have_an_infinite_loss():
    recipe = OptimiserRecipe(learning_rate=1e30, warmup=0, gradient_clip=0.0)
    assert proxy(recipe=recipe)(GENOTYPE) == math.inf


def test_other_errors_are_not_swallowed():
    def broken(fused, targets):
        raise KeyError("no such term")

    with pytest.raises(KeyError):
        proxy(objective=broken)(GENOTYPE)


def test_a_search_finds_the_better_of_two_networks():
    space = Space(kinds=("csc",), operators=("conv_3", "spatial_3"), slots=1, cells=(1,), widths=(4,))
    trials = random_search(space, proxy(steps=10), lambda genotype: 1.0, candidates=5)
    assert len(trials) == 2
    assert {trial.loss for trial in trials} == {proxy(steps=10)(trial.genotype) for trial in trials}
    assert trials[0].loss != trials[1].loss


@pytest.mark.parametrize("option", ["steps", "validation_batches"])
def test_no_updates_and_no_batches_are_refused(option):
    with pytest.raises(ValueError, match=f"{option} 0"):
        proxy(**{option: 0})
