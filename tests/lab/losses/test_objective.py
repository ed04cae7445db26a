"""Named, weighted terms."""

from __future__ import annotations

import copy
import functools
import inspect
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.errors import RecipeError, TrainingError
from imfuse.lab.losses.objective import Objective
from imfuse.lab.losses.registry import LOSSES
from imfuse.lab.nn.feature_extractor import FeatureExtractor


@functools.cache
def extractor() -> FeatureExtractor:
    return FeatureExtractor("mobilenet_v2", ["features.1", "features.3"], weights="random")


def make(name: str):
    """A loss by its name, those that look at features by a small network without any file."""
    takes_network = "network" in inspect.signature(LOSSES[name]).parameters
    return LOSSES[name](network=extractor()) if takes_network else LOSSES[name]()


def test_the_total_is_the_weighted_sum_of_the_terms():
    fused, sources = torch.rand(2, 1, 48, 48), torch.rand(2, 2, 48, 48)
    total, terms = Objective({"ssim": 2.0, "correlation": 0.5})(fused, sources)
    torch.testing.assert_close(total, 2 * terms["ssim"] + 0.5 * terms["correlation"])


def test_a_loss_can_stand_twice_with_options_of_its_own():
    fused, sources = torch.rand(2, 1, 16, 16), torch.rand(2, 2, 16, 16)
    terms = {"first": {"weight": 1, "loss": "mae", "target": 0}, "second": {"weight": 3, "loss": "mae", "target": 1}}
    total, values = Objective(terms)(fused, sources)
    near, far = (F.l1_loss(fused, source) for source in sources.split(1, dim=1))
    torch.testing.assert_close(values, {"first": near, "second": far})
    torch.testing.assert_close(total, near + 3 * far)


def test_a_weight_follows_its_schedule():
    objective = Objective({"mae": {"weight": {"first": 0, "last": 4}}, "mse": 1.0})
    fused, sources = torch.rand(1, 1, 8, 8), torch.rand(1, 2, 8, 8)
    for progress, weight in ((0.0, 0), (0.25, 1), (1.0, 4)):
        total, terms = objective.at(progress)(fused, sources)
        torch.testing.assert_close(total, weight * terms["mae"] + terms["mse"])
        assert objective.scheduled == {"mae": weight}


def test_a_term_without_weight_is_measured_and_moves_nothing():
    fused = torch.rand(1, 1, 8, 8, requires_grad=True)
    total, terms = Objective({"mae": 0.0})(fused, torch.rand(1, 2, 8, 8))
    total.backward()
    assert terms["mae"] > 0
    assert not fused.grad.any()


class Images(NamedTuple):
    """What a network could make in training."""

    fused: Tensor
    target: Tensor


def test_each_term_is_of_the_image_that_it_names():
    images, sources = Images(torch.rand(2, 1, 16, 16), torch.rand(2, 1, 16, 16)), torch.rand(2, 2, 16, 16)
    first = {"weight": 3, "loss": "mae", "image": "target", "target": 0}
    own = {"weight": 1, "loss": "mean", "image": "target"}
    objective = Objective({"mae": 2.0, "first": first, "own": own}, {"mean": lambda image, _: image.mean()})
    total, values = objective(images, sources)
    expected = {
        "mae": F.l1_loss(images.fused.expand_as(sources), sources),
        "first": F.l1_loss(images.target, sources[:, :1]),
        "own": images.target.mean(),
    }
    torch.testing.assert_close(values, expected)
    torch.testing.assert_close(total, 2 * expected["mae"] + 3 * expected["first"] + expected["own"])
    compiled = torch.compile(Objective({"mae": 2.0, "first": first}), backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(images, sources)[1]["first"], expected["first"])


def test_an_image_that_is_not_there_is_refused_with_those_that_are():
    sources = torch.rand(1, 2, 8, 8)
    objective = Objective({"mae": {"weight": 1, "image": "detail"}})
    with pytest.raises(RecipeError, match=r"objective\.mae: no image 'detail'; the network makes fused, target"):
        objective(Images(sources[:, :1], sources[:, 1:]), sources)
    with pytest.raises(RecipeError, match=r"no image 'detail'; the network makes fused$"):
        objective(sources[:, :1], sources)
    tensor_by_name = Objective({"mae": {"weight": 1, "image": "fused"}})(sources[:, :1], sources)
    torch.testing.assert_close(tensor_by_name, Objective({"mae": 1})(sources[:, :1], sources))


def test_losses_of_ones_own_take_what_the_objective_is_called_with():
    class Distance(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(2.0))

        def forward(self, image, target):
            return self.scale * (image - target).abs().mean()

    objective = Objective({"distance": 0.5, "sum": 1.0}, {"distance": Distance(), "sum": lambda a, b: (a + b).sum()})
    total, _ = objective(torch.ones(3), torch.zeros(3))
    assert total.item() == pytest.approx(0.5 * 2 + 3)
    assert len(list(objective.parameters())) == 1
    moved = copy.deepcopy(objective).double()
    assert moved.losses["distance"].scale.dtype == torch.float64
    assert moved(torch.ones(3).double(), torch.zeros(3).double())[0].dtype == torch.float64


def test_a_term_that_is_not_finite_is_named():
    objective = Objective({"fine": 1.0, "broken": 1.0}, {"fine": lambda x: x.sum(), "broken": lambda x: x.sum().log()})
    with pytest.raises(TrainingError, match=r"'broken' is nan"):
        objective(-torch.ones(2))
    silent = Objective({"broken": 1.0}, {"broken": lambda x: x.sum().log()}, check=False)
    assert torch.isnan(silent(-torch.ones(2))[0])


def test_an_objective_compiles_and_runs_under_autocast():
    objective = Objective({"mae": 1.0, "joint_gradient": {"weight": 2.0, "operator": "forward"}})
    fused, sources = torch.rand(1, 1, 24, 24, requires_grad=True), torch.rand(1, 2, 24, 24)
    compiled = torch.compile(objective, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(fused, sources)[0], objective(fused, sources)[0])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.isfinite(objective(fused, sources)[0])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_every_loss_is_finite_with_finite_gradients_on_constant_images(name, level):
    fused = torch.full((1, 1, 48, 48), level, requires_grad=True)
    make(name)(fused, torch.full((1, 2, 48, 48), level)).backward()
    assert torch.isfinite(fused.grad).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (1, 5), (2, 3)])
def test_every_loss_is_finite_with_finite_gradients_on_the_smallest_images(name, shape):
    fused = torch.rand(1, 1, *shape, requires_grad=True)
    loss = make(name)(fused, torch.rand(1, 2, *shape))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(fused.grad).all()


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_falls_when_it_is_minimised(name):
    torch.manual_seed(0)
    sources = torch.rand(1, 2, 48, 48)
    fused = (torch.rand(1, 1, 48, 48) * 0.4 - 0.1).requires_grad_()
    optimiser = torch.optim.Adam([fused], lr=0.02)
    loss, values = make(name), []
    for _ in range(15):
        optimiser.zero_grad()
        value = loss(fused, sources)
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert values[-1] < values[0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_the_same_on_a_gpu(name):
    fused, sources = torch.rand(2, 1, 48, 48), torch.rand(2, 2, 48, 48)
    loss = make(name)
    there = copy.deepcopy(loss).to("cuda") if isinstance(loss, nn.Module) else loss
    torch.testing.assert_close(
        there(fused.cuda(), sources.cuda()).cpu(), make(name)(fused, sources), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"sim": 1.0}, r"'sim'.*did you mean 'ssim'"),
        ({}, "no terms"),
        ({"total": 1.0}, "'total'"),
        (
            {"ssim": {"weight": 1.0, "operator": "sobel"}},
            r"objective\.ssim: ssim has no option 'operator'; its options: none",
        ),
        (
            {"mae": {"weight": 1.0, "colour": 1}},
            r"objective\.mae: mae has no option 'colour'; its options: target$",
        ),
        (
            {"look": {"weight": 1.0, "loss": "perceptual", "network_weights": "none.pth"}},
            r"objective\.look: no file of weights none\.pth",
        ),
        (
            {"tim": {"weight": 1.0, "weights": "features", "network": "vgg17"}},
            r"objective\.tim: no network 'vgg17': expected vgg16",
        ),
        ({"mae": {"first": 0, "last": 1}}, r"objective\.mae: .*{weight: {first: 0, last: 1}} for a schedule"),
        ({"mae": {"weight": 1.0, "target": "all"}}, r"objective\.mae: .*expected each, mean, maximum"),
        ({"ssim": {"weight": 1.0, "reduction": "sum"}}, r"objective\.ssim: .*no `reduction`"),
        ({"mae": {"weight": 1.0, "image": 2}}, r"objective\.mae: image 2; expected the name of an image"),
        ({"ssim": "much"}, r"objective\.ssim: 'much'; expected a finite number"),
    ],
)
def test_a_mistake_is_refused_with_what_is_allowed(terms, message):
    with pytest.raises(RecipeError, match=message):
        Objective(terms)


def test_a_loss_of_ones_own_that_no_term_weighs_is_refused():
    with pytest.raises(RecipeError, match="no term weighs the loss 'mine'"):
        Objective({"ssim": 1.0}, {"mine": lambda x: x})


@pytest.mark.parametrize("progress", [-0.1, 3])
def test_progress_is_a_share(progress):
    with pytest.raises(ValueError, match="from 0 to 1"):
        Objective({"ssim": 1.0}).at(progress)


def test_a_loss_of_ones_own_that_gives_no_scalar_is_refused():
    with pytest.raises(RecipeError, match=r"objective\.map: gives the shape \(3,\)"):
        Objective({"map": 1.0}, {"map": lambda x: x})(torch.ones(3))
