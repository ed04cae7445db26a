"""Elastic weights: closed forms, and a network that learns a second task with and without them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.errors import ModelError
from imfuse.lab.losses.elastic_weights import ElasticWeights, elastic_weight_loss, fisher_information


@pytest.fixture
def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 1))


def task(kind: str) -> tuple[Tensor, Tensor]:
    """A function to learn, on one side of the plane (`first`) or on the other (`second`)."""
    points = torch.rand(64, 2, generator=torch.Generator().manual_seed(1)) + (0 if kind == "first" else -2)
    return points, (points[:, :1] * points[:, 1:] + (0.5 if kind == "first" else -0.5)).sin()


def error(network: nn.Module, kind: str) -> Tensor:
    points, values = task(kind)
    return F.mse_loss(network(points), values)


def learn(network: nn.Module, kind: str, elastic: ElasticWeights | None = None, steps: int = 300) -> None:
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(steps):
        loss = error(network, kind)
        if elastic is not None:
            loss = loss + 30 * elastic(network)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def remember(network: nn.Module, elastic: ElasticWeights) -> None:
    """By the likelihood of what the network gives with noise, for its error itself has no gradient any more."""
    generator = torch.Generator().manual_seed(2)

    def noisy(point: Tensor) -> Tensor:
        output = network(point)
        return (output - output.detach() - torch.randn(1, generator=generator)).square().sum() / 2

    elastic.consolidate(network, noisy, task("first")[0])


def remembered(network: nn.Module) -> ElasticWeights:
    elastic = ElasticWeights(network)
    remember(network, elastic)
    return elastic


def test_the_information_of_a_linear_model_is_its_closed_form():
    linear = nn.Linear(3, 1).double()
    points = torch.randn(10, 3, dtype=torch.double)
    information = fisher_information(linear, lambda x: (linear(x) - 1).square() / 2, points)
    residuals = (linear(points) - 1).detach()
    torch.testing.assert_close(information["weight"][0], (residuals * points).square().mean(0))
    torch.testing.assert_close(information["bias"], residuals.square().mean(0))


def test_the_loss_is_quadratic_round_the_anchor_and_its_gradient_pulls_back(network):
    anchor = {name: value.detach().clone() for name, value in network.named_parameters()}
    importance = {name: torch.rand_like(value) for name, value in anchor.items()}
    assert elastic_weight_loss(network, anchor, importance).item() == 0
    with torch.no_grad():
        network[0].weight += 0.5
    loss = elastic_weight_loss(network, anchor, importance)
    loss.backward()
    assert loss.item() == pytest.approx(0.125 * importance["0.weight"].sum().item(), rel=1e-4)
    torch.testing.assert_close(network[0].weight.grad, 0.5 * importance["0.weight"])


def test_a_second_task_is_learnt_without_forgetting_the_first(network):
    learn(network, "first")
    elastic = remembered(network)
    plain = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 1))
    plain.load_state_dict(network.state_dict())
    before = error(network, "second").item()
    learn(plain, "second")
    learn(network, "second", elastic)
    assert error(plain, "first") > 0.1
    assert error(network, "first") < 0.2 * error(plain, "first")
    assert error(network, "second") < 0.1 * before


def test_it_comes_back_from_its_state_and_importances_of_tasks_add_up(network):
    elastic = remembered(network)
    assert all((value >= 0).all() for value in elastic.importance.values())
    once = {name: value.clone() for name, value in elastic.importance.items()}
    again = ElasticWeights(network)
    again.load_state_dict(elastic.state_dict())
    with torch.no_grad():
        network[2].bias += 1
    assert again(network) == elastic(network) > 0
    with torch.no_grad():
        network[2].bias -= 1
    remember(network, again)
    for name, value in again.importance.items():
        torch.testing.assert_close(value, 2 * once[name])


def test_before_any_task_and_beyond_the_anchor_everything_is_free(network):
    elastic = ElasticWeights(network)
    with torch.no_grad():
        network[0].weight += 1
    assert elastic(network).item() == 0
    assert elastic_weight_loss(network, {}, {}).item() == 0


def test_frozen_and_unused_parameters_do_no_harm_and_gradients_stay_as_they_are(network):
    network[0].weight.requires_grad_(False)
    network.register_parameter("unused", nn.Parameter(torch.ones(3)))
    error(network, "first").backward()
    before = network[2].weight.grad.clone()
    information = fisher_information(network, lambda _: error(network, "first"), ["first"])
    assert set(information) == {"0.bias", "2.weight", "2.bias", "unused"}
    assert (information["unused"] == 0).all()
    torch.testing.assert_close(network[2].weight.grad, before)


def test_what_does_not_fit_is_refused(network):
    elastic = remembered(network)
    with pytest.raises(ModelError, match=r"'0.weight' with the shape \(24, 2\), the network has \(3, 2\)"):
        elastic(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)))
    with pytest.raises(ModelError, match="the importance has nothing"):
        elastic_weight_loss(network, elastic.anchor, {})
    with pytest.raises(ValueError, match="no batches"):
        fisher_information(network, lambda _: error(network, "first"), [])


def test_the_loss_compiles_whole_and_is_finite_under_autocast(network):
    elastic = remembered(network)
    with torch.no_grad():
        network[0].weight += 0.1
    compiled = torch.compile(lambda: elastic(network), backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(), elastic(network))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.isfinite(elastic(network))
