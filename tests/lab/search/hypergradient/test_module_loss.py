"""Losses made of modules: what they put in place, and what they leave as it was."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from imfuse.lab.search.hypergradient import HYPERGRADIENTS, Bilevel, hypergradient, module_loss

OPTIONS = {"neumann": {"rate": 0.1}, "unrolled": {"rate": 0.1, "steps": 2}}
WEIGHTS = ["convolution.weight", "convolution.bias", "norm.weight", "norm.bias"]


class Mixed(nn.Module):
    """A convolution that is used twice, batch norm, and a mixing weight."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2, 2, 3, padding=1)
        self.again = self.convolution
        self.norm = nn.BatchNorm2d(2)
        self.mixing = nn.Parameter(torch.tensor([0.3, -0.2]))
        self.untouched = nn.Parameter(torch.ones(3))

    def forward(self, images: Tensor, power: int = 1) -> Tensor:
        once = self.norm(self.convolution(images))
        twice = self.norm(self.again(once))
        first, second = self.mixing.softmax(0)
        return (first * once + second * twice.tanh()) ** power


@pytest.fixture
def module() -> Mixed:
    torch.manual_seed(0)
    return Mixed().double()


def images(seed: int) -> Tensor:
    return torch.rand(4, 2, 6, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def losses(module: Mixed) -> Bilevel:
    training, validation = images(1), images(2)
    return Bilevel(
        module_loss(module, WEIGHTS, ["mixing", "untouched"], lambda call: call(training).square().mean()),
        module_loss(module, WEIGHTS, ["mixing", "untouched"], lambda call: call(validation, power=2).sum()),
        tuple(module.get_parameter(name) for name in WEIGHTS),
        (module.mixing, module.untouched),
    )


@pytest.mark.parametrize("name", HYPERGRADIENTS)
@pytest.mark.parametrize("training", [True, False])
def test_the_module_is_left_as_it_was(module, name, training):
    module.train(training)
    module(images(0)).sum().backward()  # what a step of the weights leaves
    state = {key: value.clone() for key, value in module.state_dict().items()}
    slopes = {key: value.grad for key, value in module.named_parameters()}
    kept = {key: None if slope is None else slope.clone() for key, slope in slopes.items()}
    found = hypergradient(name, losses(module), **OPTIONS.get(name, {}))
    assert all(torch.equal(value, state[key]) for key, value in module.state_dict().items())
    assert not any(buffer.requires_grad for buffer in module.buffers())
    assert module.training is training
    for key, parameter in module.named_parameters():
        assert parameter.grad is slopes[key]
        assert (kept[key] is None) == (parameter.grad is None)
        assert parameter.grad is None or torch.equal(parameter.grad, kept[key])
    assert found.architecture[0].abs().max() > 0
    assert torch.equal(found.architecture[1], torch.zeros(3, dtype=torch.double))  # nothing depends on it


@pytest.mark.parametrize("training", [True, False])
def test_the_values_and_gradients_are_those_of_the_module(module, training):
    module.train(training)
    expected = module(images(2), power=2).sum()
    expected.backward()
    found = hypergradient("first_order", losses(module))
    torch.testing.assert_close(found.outer, expected.detach())
    torch.testing.assert_close(found.architecture[0], module.mixing.grad)


def test_the_hypergradient_follows_the_module_that_moves_on(module):
    problem = losses(module)
    before = hypergradient("gauss_newton", problem).architecture[0]
    with torch.no_grad():
        module.convolution.weight.mul_(1.5).add_(0.1)
    assert not torch.allclose(hypergradient("gauss_newton", problem).architecture[0], before)


def test_second_derivatives_pass_through_batch_norm_and_shared_modules(module):
    problem = losses(module)

    def outer(mixing: Tensor) -> Tensor:
        """The search loss after a step of the weights, by autograd through the whole of it."""
        alpha = (mixing, module.untouched.detach())
        theta = tuple(part.detach().requires_grad_() for part in problem.weights)
        slopes = torch.autograd.grad(problem.inner(theta, alpha), theta, create_graph=True)
        return problem.outer(tuple(part - 0.1 * slope for part, slope in zip(theta, slopes, strict=True)), alpha)

    mixing = module.mixing.detach().requires_grad_()
    (expected,) = torch.autograd.grad(outer(mixing), mixing)
    found = hypergradient("unrolled", problem, rate=0.1).architecture[0]
    torch.testing.assert_close(found, expected)
    step = torch.tensor([1e-6, 0.0], dtype=torch.double)
    slope = (outer(mixing.detach() + step) - outer(mixing.detach() - step)) / 2e-6
    torch.testing.assert_close(found[0], slope.detach(), rtol=1e-6, atol=1e-8)


def test_one_parameter_in_two_modules_is_put_in_both(module):
    tied = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3))
    tied[1].weight = tied[0].weight
    loss = module_loss(tied, ["0.weight"], ["1.bias"], lambda call: call(torch.eye(3)).sum())
    assert loss((torch.full((3, 3), 2.0),), (torch.ones(3),)).item() == 9 * 12 + 9
    assert tied[1].weight is tied[0].weight


def test_a_shared_parameter_may_go_by_either_name(module):
    call = (["again.weight"], ["mixing"], lambda call: call(images(1)).square().mean())
    tensors = (torch.zeros(2, 2, 3, 3, dtype=torch.double),), (module.mixing,)
    by_first = module_loss(module, ["convolution.weight"], *call[1:])
    torch.testing.assert_close(module_loss(module, *call)(*tensors), by_first(*tensors))


@pytest.mark.parametrize(
    ("weights", "architecture", "message"),
    [
        (
            ["convolution.wieght"],
            ["mixing"],
            "parameters of Mixed: convolution.wieght; it has such as convolution.weight",
        ),
        (["convolution.weight", "again.weight"], ["mixing"], "convolution.weight, again.weight: names of one"),
        (["mixing"], ["mixing"], "mixing, mixing: names of one parameter"),
        (["norm.running_mean"], ["mixing"], "no parameters of Mixed: norm.running_mean"),
    ],
)
def test_names_that_do_not_fit_are_refused(module, weights, architecture, message):
    with pytest.raises(ValueError, match=message):
        module_loss(module, weights, architecture, lambda call: call(images(1)).mean())


def test_a_wrapped_module_is_refused(module):
    with pytest.raises(ValueError, match="bare module"):
        module_loss(nn.DataParallel(module), ["module.mixing"], [], lambda call: call(images(1)).mean())
