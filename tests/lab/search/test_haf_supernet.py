"""The supernet of HAF against the networks that it is made of."""

from __future__ import annotations

import copy
import re
from functools import partial
from random import Random

import pytest
import torch
from torch import nn
from torch.func import functional_call

from imfuse.lab.losses.objective import Objective
from imfuse.lab.models.haf import HAF, HAFImages
from imfuse.lab.nn.branches import Branch
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.search.choices import sample
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.haf_supernet import TRUNKS, HAFSupernet
from imfuse.lab.search.hypergradient import Bilevel, hypergradient, module_loss
from imfuse.lab.search.mixture import ChannelMask
from imfuse.lab.search.relaxation import Relaxation

SPACE = HAFSpace(operators=("res_3", "channel_3"), ffm=(1, 2), target=(0, 1), detail=(1,), widths=(4,))
SMALL = HAFSpace(
    kinds=("csc", "cdc"), operators=("conv_3", "spatial_3"), slots=1, ffm=(0, 1), target=(1,), detail=(1,), widths=(4,)
)
WIDTHS = HAFSpace(("csc",), ("conv_3", "dil_3"), 1, ffm=(1,), target=(1,), detail=(1,), widths=(8, 4))
PAPER = HAFSpace(kinds=("csc", "cms"), ffm=(1,), target=(1,), detail=(0, 1), widths=(4,))


def sources(side=16, count=2, dtype=torch.float32):
    return torch.rand(count, 2, side, side, generator=torch.Generator().manual_seed(1), dtype=dtype)


def supernet(space=SMALL, relaxation: Relaxation = "softmax", **options):
    """All weights at random: some blocks are built with zeros, behind which no gradient would be seen."""
    torch.manual_seed(0)
    network = HAFSupernet(space, relaxation, **options)
    with torch.no_grad():
        for name in network.weight_names():
            parameter = network.get_parameter(name)
            parameter += 0.1 * torch.randn_like(parameter)
    return network


def decide(network, genotype):
    """Logits that leave this genotype alone a weight."""
    with torch.no_grad():
        for logits in network.logits.values():
            logits.zero_()
        for name, option in network.space.picks(genotype).items():
            network.logits[name.replace(".", "/")][option] = 1e4


def weights_of(network, genotype):
    """The state of `HAF(genotype)` from that of a supernet of one width."""
    state = {name.removeprefix("network."): value for name, value in network.state_dict().items()}
    for part, trunk in TRUNKS.items():
        for i, gene in enumerate(getattr(genotype, part)):
            at = re.escape(f"{trunk}.cells.{i}.")
            state = {re.sub(rf"^{at}options\.{gene.kind}\.", f"{trunk}.cells.{i}.", n): v for n, v in state.items()}
            for slot, operator in enumerate(gene.operators):
                place = rf"^({at}operators\.(?:\d+\.)?{slot}\.)options\.{operator}\."
                state = {re.sub(place, r"\1", name): value for name, value in state.items()}
    own = HAF(genotype).state_dict()
    assert own.keys() <= state.keys()
    return {name: state[name] for name in own}


def gradients(network, loss):
    names = [name for name, _ in network.named_parameters() if name.startswith("logits.")]
    point = [network.get_parameter(name) for name in names]
    found = torch.autograd.grad(loss(network(sources())), point, allow_unused=True)
    return {name.removeprefix("logits.").replace("/", "."): slope for name, slope in zip(names, found, strict=True)}


@pytest.mark.parametrize(("seed", "training"), [(seed, seed % 2 == 0) for seed in range(6)])
def test_a_decided_supernet_makes_the_images_of_its_genotypes_network(seed, training):
    softmax, genotype = supernet(SPACE).double(), sample(SPACE, Random(seed))
    decide(softmax, genotype)
    gumbel = HAFSupernet(SPACE, "gumbel").double()
    gumbel.load_state_dict(softmax.state_dict())
    gumbel.draw(seed)
    alone = HAF(genotype).double()
    alone.load_state_dict(weights_of(softmax, genotype))
    pictures = sources(dtype=torch.double)
    expected = alone.train(training)(pictures)
    assert isinstance(expected, HAFImages) == training
    torch.testing.assert_close(softmax.train(training)(pictures), expected)
    torch.testing.assert_close(gumbel.train(training)(pictures), expected)
    assert softmax.genotype() == gumbel.genotype() == genotype


@pytest.mark.parametrize("training", [True, False])
def test_a_full_width_is_the_network_as_it_is(training):
    network, genotype = supernet(WIDTHS), WIDTHS.genotype({choice.name: 0 for choice in WIDTHS.choices})
    decide(network, genotype)
    alone = copy.deepcopy(network)
    for name, module in list(alone.named_modules()):
        if isinstance(module, ChannelMask):
            alone.set_submodule(name, nn.Identity())
    torch.testing.assert_close(network.train(training)(sources()), alone.train(training)(sources()))


def test_a_narrow_width_leaves_every_trunk_its_first_channels():
    network, features = supernet(WIDTHS), []
    decide(network, WIDTHS.genotype({choice.name: 1 for choice in WIDTHS.choices}))
    for place in TRUNKS.values():
        network.network.get_submodule(place).register_forward_hook(lambda _module, _inputs, made: features.append(made))
    network(sources())
    assert len(features) == 3
    for made in features:
        assert (made.abs().amax((0, 2, 3)) > 0).tolist() == [True] * 4 + [False] * 4


@pytest.mark.parametrize("space", [SPACE, SMALL, WIDTHS, PAPER], ids=["numbers", "kinds", "widths", "ten operators"])
def test_in_softmax_mode_the_gradient_of_the_fused_image_reaches_every_logit(space):
    found = gradients(supernet(space), lambda images: images.fused.square().mean())
    assert set(found) == {choice.name for choice in space.choices}
    for name, slope in found.items():
        assert slope is not None, name
        assert slope.all(), name
        assert torch.isfinite(slope).all(), name


@pytest.mark.parametrize(
    ("image", "reached"),
    [("first_fused", {"ffm"}), ("target", {"ffm", "target"}), ("detail", {"ffm", "detail"}), ("fused", set(TRUNKS))],
)
def test_an_image_depends_on_the_choices_of_its_own_part_and_what_comes_before(image, reached):
    found = gradients(supernet(SMALL), lambda images: getattr(images, image).square().mean())
    assert {name.split(".")[0] for name, slope in found.items() if slope is not None} == reached


@pytest.mark.parametrize("seed", range(3))
def test_in_gumbel_mode_only_the_drawn_network_is_run_and_only_its_choices_learn(seed):
    network = supernet(SPACE, "gumbel")
    network.draw(seed)
    drawn = SPACE.genotype({name: int(weights.argmax()) for name, weights in network.weights_of_step().items()})
    alone = HAF(drawn)
    assert record_calls(network) == record_calls(alone)
    found = gradients(network, lambda images: sum(image.square().mean() for image in images))
    assert {name for name, slope in found.items() if slope is not None and slope.any()} == set(SPACE.picks(drawn))


def record_calls(network):
    """Names of the kinds of all modules without children that are called, in order."""
    ran = []
    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(lambda module, *_: ran.append(type(module).__name__))
    network(sources())
    return [name for name in ran if name not in ("Sequential", "MixedCells")]


@pytest.mark.parametrize("method", ["first_order", "gauss_newton"])
def test_with_settled_cells_of_the_first_module_its_weights_and_the_branches_choices_go_on_learning(method):
    network = supernet(SMALL, "gumbel")
    network.settle(dict.fromkeys(("ffm.cells", "ffm.cell1.kind", "ffm.cell1.csc.op1", "ffm.cell1.cdc.op1"), 1))
    network.draw(0)
    names = [*network.architecture_names("macro"), *network.architecture_names("micro")]
    objective = Objective({"first": {"weight": 1.0, "loss": "gradient", "image": "first_fused"}, "contrast": 1.0})

    def loss(call, side=16):
        return objective(call(sources(side)), sources(side))[0]

    weights = network.weight_names()
    point = [[network.get_parameter(name) for name in part] for part in (weights, names)]
    make = partial(module_loss, network, weights, names)
    problem = Bilevel(make(loss), make(partial(loss, side=12)), tuple(point[0]), tuple(point[1]))
    slopes = dict(zip(names, hypergradient(method, problem).architecture, strict=True))
    moving = {network.choice_of(name).name.split(".")[0] for name, slope in slopes.items() if slope.any()}
    assert moving == {"target", "detail"}
    inner = torch.autograd.grad(loss(network), point[0], allow_unused=True)
    learning = [name for name, slope in zip(weights, inner, strict=True) if slope is not None and slope.any()]
    assert any(
        name.startswith("network.trunk.cells.0.options.cdc.operators.0.0.options.spatial_3") for name in learning
    )


def test_substituted_logits_count_as_if_they_were_set():
    network = supernet(SMALL)
    names = [*network.architecture_names("macro"), *network.architecture_names("micro")]
    replaced = {name: 3 * torch.randn_like(network.get_parameter(name)) for name in names}
    before, found = network(sources()), functional_call(network, replaced, (sources(),))
    network.load_state_dict({**network.state_dict(), **replaced})
    torch.testing.assert_close(network(sources()), found, rtol=0, atol=0)
    assert not torch.allclose(found.fused, before.fused)


@pytest.mark.parametrize("relaxation", ["softmax", "gumbel"])
def test_state_and_copies_keep_what_the_network_computes(relaxation):
    network = supernet(SMALL, relaxation)
    network.draw(2)
    expected = network.eval()(sources())
    torch.manual_seed(7)
    other = HAFSupernet(SMALL, relaxation).eval()
    other.load_state_dict(network.state_dict())
    other.draw(2)
    for same in (other, copy.deepcopy(network)):
        torch.testing.assert_close(same(sources()), expected, rtol=0, atol=0)


def test_its_parts_are_those_of_the_network_but_for_the_cells():
    """The images of the branches, the batch norm of their stems and the join are none of the supernet's own."""
    network, alone = supernet(SMALL), HAF(HAFGenotype((), (), (), 4))
    own = {name.removeprefix("network.") for name, _ in network.named_parameters() if ".cells." not in name}
    expected = {name for name, _ in alone.named_parameters()}
    assert own - {name for name in own if name.startswith("logits")} == expected
    assert sum(isinstance(module, Branch) for module in network.modules()) == 2


@pytest.mark.parametrize(
    ("kinds", "cells", "multiple"),
    [(("csc",), (1,), 2), (("csc", "cms"), (1,), 4), (("cms",), (0,), 2), (("cms",), (0, 1), 4)],
)
def test_the_size_multiple_is_that_of_all_networks_together(kinds, cells, multiple):
    space = HAFSpace(kinds, ("conv_3", "dil_3"), 1, ffm=(0,), target=(0,), detail=cells, widths=(4,))
    assert supernet(space).size_multiple == multiple
    for seed in range(5):
        assert multiple % HAF(sample(space, Random(seed))).size_multiple == 0
