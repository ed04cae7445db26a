"""Settled choices of a relaxed network: fixed, whatever the logits say, in every relaxation."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.search.space import Space
from imfuse.lab.search.supernet import Supernet

SPACE = Space(kinds=("csc",), operators=("conv_3", "spatial_3", "dil_3"), slots=1, cells=(1,), widths=(4, 8))


@pytest.mark.parametrize("relaxation", ["softmax", "gumbel"])
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
