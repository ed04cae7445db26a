"""Settled choices of a relaxed network: fixed, whatever the logits say, in every relaxation."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.search.choices import Choice
from imfuse.lab.search.relaxation import RELAXATIONS
from imfuse.lab.search.relaxed_network import RelaxedNetwork
from imfuse.lab.search.space import Space
from imfuse.lab.search.supernet import Supernet

SPACE = Space(kinds=("csc",), operators=("conv_3", "spatial_3", "dil_3"), slots=1, cells=(1,), widths=(4, 8))


@pytest.mark.parametrize("relaxation", RELAXATIONS)
def test_a_settled_choice_takes_its_option_against_its_logits(relaxation):
    supernet = Supernet(SPACE, relaxation)
    supernet.logits["cell1/csc/op1"].data = torch.tensor([50.0, 0.0, 0.0])
    supernet.settle({"cell1.csc.op1": 2})
    supernet.draw(0)
    for weights in (supernet.weights_of_step(), supernet.probabilities()):
        assert weights["cell1.csc.op1"].tolist() == [0, 0, 1]
        assert weights["width"].sum().item() == pytest.approx(1)
    assert str(supernet.genotype()).endswith("csc(dil_3)")
    assert [choice.name for choice in supernet.open_choices()] == ["width"]


def test_settling_anew_opens_what_was_settled_before():
    supernet = Supernet(SPACE)
    supernet.settle({"width": 0})
    supernet.settle({})
    assert [choice.name for choice in supernet.open_choices()] == ["width", "cell1.csc.op1"]


def test_a_settled_choice_passes_no_gradient_to_its_logits():
    supernet = Supernet(SPACE)
    supernet.settle({"width": 1})
    supernet(torch.rand(1, 2, 8, 8)).sum().backward()
    assert supernet.logits["width"].grad is None
    assert supernet.logits["cell1/csc/op1"].grad.abs().sum() > 0


@pytest.mark.parametrize("picks", [{"head": 0}, {"width": 2}, {"width": -1}])
def test_unknown_choices_and_options_are_refused(picks):
    with pytest.raises(ValueError, match="expected a choice of the space and one of its options"):
        Supernet(SPACE).settle(picks)


def test_the_choice_of_a_parameter_is_found_by_its_name():
    supernet = Supernet(SPACE)
    names = [supernet.choice_of(name).name for name in supernet.architecture_names("micro")]
    assert names == ["cell1.csc.op1"]


def noisy(network, choice):
    """The options of a choice, the likeliest in the draw first."""
    logits = {name: value.detach() for name, value in network.logits.items()}
    starts = dict(zip((c.name for c in network.choices), network.noise.split([2, 3]), strict=True))
    return (logits[choice.replace(".", "/")] + starts[choice]).argsort(descending=True).tolist()


def test_the_rival_is_the_second_in_the_draw():
    network, rivals = Supernet(SPACE, "two_paths"), set()
    for seed in range(30):
        network.draw(seed)
        for choice in ("width", "cell1.csc.op1"):
            first, second, *_ = noisy(network, choice)
            assert network.weights_of_step()[choice].argmax() == first
            assert network.rivals[choice] == second
            rivals.add((choice, second))
    assert len(rivals) == 5


def test_draws_and_rivals_keep_what_is_asked_of_networks():
    network = Supernet(SPACE, "two_paths")

    def keeps(weights):
        wide, operator = weights["width"][1].item(), weights["cell1.csc.op1"].argmax().item()
        return operator != 0 and not (wide and operator == 1)

    alone = 0
    for seed in range(30):
        network.draw(seed, keeps)
        weights = network.weights_of_step()
        assert keeps(weights)
        for name, rival in network.rivals.items():
            assert keeps({**weights, name: torch.eye(len(weights[name]))[rival]})
        alone += "width" not in network.rivals  # with the spatial attention no other width is allowed
    assert 0 < alone < 30


def test_a_settled_choice_has_no_rival():
    network = Supernet(SPACE, "two_paths")
    network.settle({"width": 0})
    network.draw(0)
    assert set(network.rivals) == {"cell1.csc.op1"}


def test_a_rival_that_an_update_made_the_drawn_one_is_none():
    network = Supernet(SPACE, "two_paths")
    network.draw(0)
    network.logits["width"].data[network.rivals["width"]] = 100.0
    weights = network.weights_of_step()["width"]
    assert weights[network.rivals["width"]] == 1
    assert not weights.requires_grad


class Constants(RelaxedNetwork):
    """Two options that are a number each, whatever the input."""

    def __init__(self, relaxation):
        super().__init__([Choice("constant", (1.0, 3.0), "macro")], relaxation, 1.0)

    def forward(self):
        with self.step.of(self.weights_of_step(), self.rivals):
            return self.step.mix("constant", [lambda: torch.tensor(1.0), lambda: torch.tensor(3.0)])


def decided(relaxation):
    """What the gradients of a quadratic loss prefer, whose best option is 3.0 by far."""
    torch.manual_seed(0)
    network = Constants(relaxation)
    optimiser = torch.optim.SGD(network.logits.values(), lr=0.05)
    for seed in range(200):
        network.draw(seed)
        optimiser.zero_grad()
        (network() - 2.9).square().backward()
        optimiser.step()
    return network.picks()["constant"]


def test_two_paths_find_the_better_option_where_one_drawn_path_finds_what_should_grow():
    assert decided("two_paths") == 1
    assert decided("gumbel") == 0  # 1.0 is too small, so that more of it would help; 3.0 is a bit too large
