"""Settled choices of a relaxed network: fixed, whatever the logits say, in every relaxation."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.search.choices import Choice
from imfuse.lab.search.paths import Budget
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


def test_probabilities_from_before_settling_are_known():
    supernet = Supernet(SPACE)
    supernet.logits["width"].data = torch.tensor([0.0, 1.0])
    before = supernet.probabilities()["width"]
    supernet.settle({"width": 0})
    torch.testing.assert_close(supernet.probabilities(settled=False)["width"], before)


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


def test_draws_and_rivals_keep_what_is_asked_of_networks():
    network, alone = Supernet(SPACE, "two_paths"), 0
    budget = Budget(lambda picks: 4.0 * (picks["cell1.csc.op1"] == 0) + picks["cell1.csc.op1"] + picks["width"], 2.0)
    for seed in range(30):
        network.draw(seed, budget)
        picks = {name: int(weights.argmax()) for name, weights in network.weights_of_step().items()}
        assert budget.milliseconds(picks) <= 2
        for name, rival in network.rivals.items():
            assert rival.option != picks[name]
            assert budget.milliseconds({**picks, name: rival.option}) <= 2
        alone += "width" not in network.rivals  # with the dilated convolution no wide network is allowed
    assert 0 < alone < 30


def test_a_budget_counts_what_is_settled():
    network, asked = Supernet(SPACE, "two_paths"), []

    def milliseconds(picks):
        asked.append(dict(picks))
        return 1.0

    network.settle({"width": 1})
    network.draw(0, Budget(milliseconds, 2.0))
    assert set(network.rivals) == {"cell1.csc.op1"}
    assert asked
    assert all(picks["width"] == 1 and set(picks) == {"width", "cell1.csc.op1"} for picks in asked)


@pytest.mark.parametrize("relaxation", ["gumbel", "two_paths"])
def test_settling_forgets_what_was_drawn(relaxation):
    network = Supernet(SPACE, relaxation)
    expected = network.weights_of_step()
    network.draw(3)
    network.settle({})
    torch.testing.assert_close(network.weights_of_step(), expected)
    assert network.rivals == {}


class Constants(RelaxedNetwork):
    """Two options that are a number each, whatever the input."""

    def __init__(self, relaxation):
        super().__init__([Choice("constant", (1.0, 3.0), "macro")], relaxation, 1.0)

    def forward(self):
        with self.mixing():
            return self.step.mix("constant", [lambda: torch.tensor(1.0), lambda: torch.tensor(3.0)])


@pytest.mark.parametrize(("target", "expected"), [(2.9, 1), (2.2, 1), (1.8, 0), (1.1, 0)])
def test_two_paths_find_the_better_option(target, expected):
    assert decided("two_paths", target) == expected


def test_one_drawn_path_finds_what_should_grow():
    assert decided("gumbel", 2.9) == 0  # 1.0 is too small, so that more of it would help; 3.0 is a bit too large


def decided(relaxation, target):
    """What the gradients of the squared distance to a target come to prefer."""
    torch.manual_seed(0)
    network = Constants(relaxation)
    optimiser = torch.optim.SGD(network.logits.values(), lr=0.05)
    for seed in range(300):
        network.draw(seed)
        optimiser.zero_grad()
        (network() - target).square().backward()
        optimiser.step()
    return network.picks()["constant"]
