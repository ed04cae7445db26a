"""The supernet against the networks that it is made of."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from random import Random

import pytest
import torch
from torch import nn
from torch.func import functional_call

from imfuse.errors import RecipeError
from imfuse.lab.models.searched import SearchedFusion
from imfuse.lab.nn.operators import DilatedConv, PlainConv, ResidualBlock, SpatialAttention
from imfuse.lab.search.choices import sample
from imfuse.lab.search.hypergradient import Bilevel, hypergradient, module_loss
from imfuse.lab.search.mixture import ChannelMask
from imfuse.lab.search.relaxation import RELAXATIONS
from imfuse.lab.search.relaxed_network import RelaxedNetwork
from imfuse.lab.search.space import Space
from imfuse.lab.search.supernet import Supernet

SPACE = Space(
    operators=("res_3", "channel_3"),
    cells=(0, 2, 1),
    resolutions=(1, 2),
    widths=(4,),
    heads=("direct", "blend", "pyramid"),
)
SMALL = Space(kinds=("csc", "cdc"), operators=("conv_3", "spatial_3"), slots=1, cells=(0, 1), widths=(4, 2))
PAPER = Space(kinds=("csc", "cms"), widths=(4,), cells=(1, 2))


def sources(side=16, count=2, dtype=torch.float32):
    return torch.rand(count, 2, side, side, generator=torch.Generator().manual_seed(1), dtype=dtype)


def supernet(space=SMALL, relaxation="softmax", **options):
    """All weights at random: some blocks are built with zeros, behind which no gradient would be seen."""
    torch.manual_seed(0)
    network = Supernet(space, relaxation, **options)
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
    """The state of `SearchedFusion(genotype)` from that of a supernet of one width."""
    branch = network.space.resolutions.index(genotype.resolution)
    found = {}
    for name, value in network.state_dict().items():
        own = re.sub(rf"^stems\.{branch}\.", "trunk.stem.", name)
        own = re.sub(rf"^heads\.{branch}\.options\.{genotype.head}\.", "head.", own)
        for i, gene in enumerate(genotype.cells):
            own = re.sub(rf"^cells\.{i}\.options\.{gene.kind}\.", f"trunk.cells.{i}.", own)
            for slot, operator in enumerate(gene.operators):
                at = rf"^(trunk\.cells\.{i}\.operators\.(?:\d+\.)?{slot}\.)options\.{operator}\."
                own = re.sub(at, r"\1", own)
        found[own] = value
    return {name: value for name, value in found.items() if re.match(r"(trunk|head)\.(?!.*options)", name)}


def gradients(network, pictures=None):
    pictures = sources(max(network.size_multiple, 8)) if pictures is None else pictures
    result = network(pictures).square().mean()
    names = [name for name, _ in network.named_parameters() if name.startswith("logits.")]
    found = torch.autograd.grad(result, [network.get_parameter(name) for name in names], allow_unused=True)
    return {
        name.removeprefix("logits.").replace("/", "."): gradient for name, gradient in zip(names, found, strict=True)
    }


@pytest.mark.parametrize(("seed", "training"), [(seed, seed % 2 == 0) for seed in range(8)])
def test_a_decided_supernet_is_the_network_of_its_genotype_in_both_relaxations(seed, training):
    softmax, genotype = supernet(SPACE).double(), sample(SPACE, Random(seed))
    decide(softmax, genotype)
    gumbel = Supernet(SPACE, "gumbel").double()
    gumbel.load_state_dict(softmax.state_dict())
    gumbel.draw(seed)
    alone = SearchedFusion(genotype).double()
    alone.load_state_dict(weights_of(softmax, genotype))
    pictures = sources(32, dtype=torch.double)
    expected = alone.train(training)(pictures)
    torch.testing.assert_close(softmax.train(training)(pictures), expected)
    torch.testing.assert_close(gumbel.train(training)(pictures), expected)
    assert softmax.genotype() == gumbel.genotype() == genotype


def test_the_softmax_of_heads_is_the_weighted_sum_of_their_images():
    space = Space(kinds=("csc",), operators=("conv_3",), slots=1, cells=(1,), widths=(4,), heads=("direct", "blend"))
    network = supernet(space).eval()
    images = []
    for head in (0, 1):
        decide(network, space.genotype({"head": head}))
        images.append(network(sources()))
    with torch.no_grad():
        network.logits["head"].copy_(torch.tensor([0.25, 0.75]).log())
    torch.testing.assert_close(network(sources()), 0.25 * images[0] + 0.75 * images[1])


@pytest.mark.parametrize("training", [True, False])
def test_a_decided_width_is_the_narrow_network_whatever_the_masked_channels_hold(training):
    space = Space(kinds=("csc",), operators=("conv_3",), slots=2, cells=(1,), widths=(4, 8))
    network, alone = supernet(space), SearchedFusion("x1 w4 direct csc(conv_3 conv_3)")
    put_into_the_corner(alone, network)
    add_noise_round_the_masks(network, 4)
    decide(network, alone.genotype)
    expected = alone.train(training)(sources())
    torch.testing.assert_close(network.train(training)(sources()), expected)
    decide(network, space.genotype({"width": 1}))
    assert not torch.allclose(network(sources()), expected, atol=0.01)


def put_into_the_corner(narrow, network):
    """The narrow network's weights among the wide ones, which are zero elsewhere."""
    state = {name.replace("trunk.", ""): value for name, value in narrow.state_dict().items()}
    for name, wide in network.state_dict().items():
        if not name.startswith("logits"):
            own = re.sub(r"(stem|head)s\.0\.(0\.)?", r"\1.", re.sub(r"(operators\.\d\.)0\.", r"\1", name))
            wide.zero_()[tuple(slice(size) for size in state[own].shape)] = state[own]


@torch.no_grad()
def add_noise_round_the_masks(network, width):
    """Where masked channels are made, and where they would be read."""
    stem, cell, head = network.stems[0][0], network.cells[0], network.heads[0]
    first, second = (masked[0].body for masked in cell.operators)
    for made in (stem.body[2], first[1], second[1]):
        made.bias[width:] = 3.0
    for made in (stem.body[2], first[0], second[0]):
        made.weight[width:] = torch.randn_like(made.weight[width:])
    for reader in (cell.enter[1], second[0], head.maps.body[0]):
        reader.weight[:width, width:] = torch.randn_like(reader.weight[:width, width:])


@pytest.mark.parametrize(("kind", "masks"), [("csc", 2), ("cms", 3 * 2 + 1), ("cdc", 2 * 2 + 1)])
def test_stem_operators_and_cells_leave_a_narrow_width_its_channels_at_every_scale(kind, masks):
    space = Space(kinds=(kind,), operators=("conv_3", "channel_3"), slots=2, cells=(1,), widths=(8, 2, 4))
    network, masked = supernet(space), []
    for module in network.modules():
        if isinstance(module, ChannelMask):
            module.register_forward_hook(lambda _module, _inputs, output: masked.append(output))
    decide(network, space.genotype({choice.name: 1 for choice in space.choices}))
    network(sources())
    assert len(masked) == 1 + masks
    for output in masked:
        used = output.abs().amax((0, 2, 3)) > 0
        assert used.tolist() == [channel < len(used) // 4 for channel in range(len(used))]


@pytest.mark.parametrize("space", [SPACE, SMALL, PAPER], ids=["all choices", "widths", "ten operators"])
def test_in_softmax_mode_the_gradient_reaches_every_logit(space):
    found = gradients(supernet(space))
    assert set(found) == {choice.name for choice in space.choices}
    for name, gradient in found.items():
        assert gradient is not None, name
        assert gradient.all(), name
        assert torch.isfinite(gradient).all(), name


@pytest.mark.parametrize("seed", range(4))
def test_in_gumbel_mode_the_gradient_reaches_the_logits_of_the_drawn_choices_alone(seed):
    network = supernet(SPACE, "gumbel")
    network.draw(seed)
    drawn = SPACE.picks(SPACE.genotype({name: int(w.argmax()) for name, w in network.weights_of_step().items()}))
    found = gradients(network)
    assert {name for name, gradient in found.items() if gradient is not None and gradient.any()} == set(drawn)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("relaxation", ["gumbel", "two_paths"])
def test_only_the_drawn_network_is_run_where_logits_need_no_gradient(seed, relaxation):
    network = supernet(SPACE, relaxation)
    network.logits.requires_grad_(False)
    network.draw(seed)
    drawn = SPACE.genotype({name: int(weights.argmax()) for name, weights in network.weights_of_step().items()})
    ran = record_calls(network)
    network(sources(32))
    alone = SearchedFusion(drawn)
    expected = record_calls(alone)
    alone(sources(32))
    assert ran == expected


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("choice", ["head", "resolution"])
def test_the_gradient_of_two_paths_compares_the_images_of_both(seed, choice):
    network = supernet(SPACE, "two_paths").eval()
    network.draw(seed)
    rival, picks = network.rivals[choice], network.path.picks
    image = network(sources(32))
    loss = image.square().mean() - 0.3 * image.mean()
    found, slope = torch.autograd.grad(loss, [network.get_parameter(f"logits.{choice}"), image])
    network.settle({**picks, choice: rival.option})
    gain = (slope * (image - network(sources(32)))).sum().item()
    wanted = torch.zeros_like(found)
    wanted[picks[choice]], wanted[rival.option] = rival.share * gain, -rival.share * gain
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("space", [SPACE, replace(SMALL, operators=("conv_3", "res_3"))], ids=["all choices", "widths"])
def test_the_gradient_of_two_paths_is_that_of_going_over_to_the_rival(seed, space):
    """At every place of the drawn network, however deep, against a small step towards the rival."""
    network = (
        supernet(space, "two_paths").double().eval()
    )  # a batch norm divides by the spread of masked channels, zero
    network.draw(seed)
    pictures = sources(32, dtype=torch.double)
    found = {name: value for name, value in gradients(network, pictures).items() if value is not None}
    drawn, step = network.one_hot(network.path.picks), 1e-6
    decided = space.picks(space.genotype(network.path.picks))
    assert {name for name, value in found.items() if value.any()} == set(decided)
    for name, rival in network.rivals.items():
        towards = network.one_hot({name: rival.option})[name] - drawn[name]
        losses = []
        for by in (step, -step):
            network.weights_of_step = lambda name=name, by=by * towards: {**drawn, name: drawn[name] + by}
            losses.append(network(pictures).square().mean().item())
        slope = (losses[0] - losses[1]) / (2 * step)
        torch.testing.assert_close(found.get(name, 0 * towards), rival.share * slope * towards, rtol=1e-3, atol=1e-9)


def record_calls(network):
    """Names of the kinds of all modules without children that are called, in order."""
    ran = []
    for module in network.modules():
        if not list(module.children()) and not isinstance(module, nn.Sequential):
            module.register_forward_hook(lambda module, *_: ran.append(type(module).__name__))
    return ran


def test_in_softmax_mode_every_operator_is_run_once_a_scale():
    space = Space(kinds=("csc", "cms"), operators=("res_3", "dil_3"), slots=2, cells=(1,), widths=(4,))
    network, ran = supernet(space), []
    for module in network.modules():
        if isinstance(module, ResidualBlock | DilatedConv):
            module.register_forward_hook(lambda *_: ran.append(1))
    network(sources())
    assert len(ran) == 2 * 2 * (1 + 3)


def test_the_same_seed_draws_the_same_and_seeds_differ():
    network, other = supernet(SPACE, "gumbel"), supernet(SPACE, "gumbel")

    def drawn(network, seed):
        network.draw(seed)
        return [int(weights.argmax()) for weights in network.weights_of_step().values()]

    draws = [drawn(network, seed) for seed in range(10)]
    assert draws == [drawn(other, seed) for seed in range(10)]
    assert len({tuple(draw) for draw in draws}) > 5


@pytest.mark.parametrize("relaxation", ["softmax", "gumbel"])
def test_substituted_logits_count_as_if_they_were_set(relaxation):
    network = supernet(SMALL, relaxation)
    network.draw(5)
    before = network(sources())
    names = [*network.architecture_names("macro"), *network.architecture_names("micro")]
    replaced = {name: 20 * torch.randn_like(network.get_parameter(name), requires_grad=True) for name in names}
    found = functional_call(network, replaced, (sources(),))
    assert any(
        gradient is not None for gradient in torch.autograd.grad(found.sum(), [*replaced.values()], allow_unused=True)
    )
    torch.testing.assert_close(network(sources()), before, rtol=0, atol=0)
    substituted = network.probabilities(replaced)
    network.load_state_dict({**network.state_dict(), **replaced})
    torch.testing.assert_close(network(sources()), found, rtol=0, atol=0)
    torch.testing.assert_close(network.probabilities(), substituted)
    assert not torch.allclose(found, before)


def test_first_and_second_derivatives_are_those_of_the_value():
    space = Space(kinds=("csc", "cdc"), operators=("res_3", "spatial_3"), slots=1, cells=(1,), widths=(2, 4))
    network = supernet(space).double()
    names = [*network.architecture_names("macro"), *network.architecture_names("micro"), "stems.0.0.body.2.bias"]
    point = tuple(network.get_parameter(name).detach().clone().requires_grad_() for name in names)
    pictures = sources(6, dtype=torch.double)

    def value(*tensors):
        return functional_call(network, dict(zip(names, tensors, strict=True)), (pictures,)).square().mean()

    assert torch.autograd.gradcheck(value, point)
    assert torch.autograd.gradgradcheck(value, point, fast_mode=True)


@pytest.mark.parametrize("relaxation", RELAXATIONS)
@pytest.mark.parametrize(
    ("method", "options"), [("gauss_newton", {}), ("neumann", {"rate": 1e-3, "terms": 2}), ("unrolled", {"rate": 1e-2})]
)
def test_hypergradients_reach_the_logits_through_the_weights(relaxation, method, options):
    network = supernet(SMALL, relaxation)
    network.draw(1)
    names = [*network.architecture_names("macro"), *network.architecture_names("micro")]
    inner = module_loss(network, network.weight_names(), names, lambda call: (call(sources()) - 0.3).square().mean())
    outer = module_loss(network, network.weight_names(), names, lambda call: (call(sources(8)) - 0.5).square().mean())
    parameters = [[network.get_parameter(name) for name in part] for part in (network.weight_names(), names)]
    problem = Bilevel(inner, outer, tuple(parameters[0]), tuple(parameters[1]))
    found = hypergradient(method, problem, **options).architecture
    first = hypergradient("first_order", problem).architecture
    assert all(torch.isfinite(gradient).all() for gradient in found)
    assert any(not torch.allclose(a, b, rtol=1e-4, atol=1e-9) for a, b in zip(found, first, strict=True))


def test_levels_and_weights_part_the_parameters():
    network = supernet(SMALL)
    macro, micro = network.architecture_names("macro"), network.architecture_names("micro")
    assert sorted([*macro, *micro, *network.weight_names()]) == sorted(name for name, _ in network.named_parameters())
    assert macro == ["logits.width", "logits.cells", "logits.cell1/kind"]
    assert micro == ["logits.cell1/csc/op1", "logits.cell1/cdc/op1"]


def test_scales_of_a_cell_share_the_choice_of_an_operator():
    space = Space(kinds=("cms",), operators=("conv_3", "spatial_3"), slots=1, cells=(1,), widths=(4,))
    network, ran = supernet(space, "gumbel"), []
    for module in network.modules():
        if isinstance(module, PlainConv | SpatialAttention):
            module.register_forward_hook(lambda module, *_: ran.append(type(module)))
    for seed in range(6):
        network.draw(seed)
        network(sources())
    steps = [set(ran[start : start + 3]) for start in range(0, len(ran), 3)]
    assert all(len(kinds) == 1 for kinds in steps)
    assert len(steps) == 6
    assert set.union(*steps) == {PlainConv, SpatialAttention}


@pytest.mark.parametrize("relaxation", RELAXATIONS)
def test_state_and_copies_keep_what_the_network_computes(relaxation):
    network = supernet(SMALL, relaxation)
    network.draw(2)
    expected = network.eval()(sources())
    torch.manual_seed(7)
    other = Supernet(SMALL, relaxation).eval()
    other.load_state_dict(network.state_dict())
    other.draw(2)
    for same in (other, copy.deepcopy(network)):
        torch.testing.assert_close(same(sources()), expected, rtol=0, atol=0)


def test_the_seed_of_torch_decides_the_logits_and_no_option_is_preferred():
    def logits(seed):
        torch.manual_seed(seed)
        return torch.cat([*Supernet(SMALL).logits.values()])

    torch.testing.assert_close(logits(1), logits(1), rtol=0, atol=0)
    assert not torch.equal(logits(1), logits(2))
    assert 0 < logits(1).abs().max() < 0.01


@pytest.mark.parametrize("relaxation", RELAXATIONS)
def test_a_space_of_one_network_is_that_network(relaxation):
    space = Space(kinds=("csc",), operators=("conv_3",), slots=1, cells=(1,), widths=(4,))
    network, alone = supernet(space, relaxation), SearchedFusion("x1 w4 direct csc(conv_3)")
    network.draw(0)
    own = {
        name.replace("trunk.", "").replace("stem", "stems.0").replace("head", "heads.0"): name
        for name in alone.state_dict()
    }
    alone.load_state_dict({own[name]: value for name, value in network.state_dict().items()})
    torch.testing.assert_close(network(sources()), alone(sources()))
    assert network.genotype() == alone.genotype
    assert network.probabilities() == {}


@pytest.mark.parametrize(
    ("space", "multiple"),
    [
        (Space(kinds=("csc",), widths=(2,)), 2),
        (Space(kinds=("csc", "cms"), widths=(2,), cells=(1,)), 4),
        (Space(kinds=("cms",), widths=(2,), cells=(0,)), 2),
        (Space(kinds=("csc", "cms"), resolutions=(4, 1), widths=(2,), cells=(0, 1)), 16),
        (Space(kinds=("csc",), widths=(2,), heads=("direct", "pyramid")), 32),
    ],
)
def test_the_size_multiple_is_that_of_all_networks_together(space, multiple):
    assert supernet(space).size_multiple == multiple
    for seed in range(5):
        assert multiple % SearchedFusion(sample(space, Random(seed))).size_multiple == 0


def test_probabilities_are_the_chances_of_a_draw_whatever_its_temperature():
    cold = Supernet(SMALL, "gumbel", temperature=0.1)
    warm = Supernet(SMALL, "softmax", temperature=0.1)
    torch.testing.assert_close(cold.probabilities()["width"], cold.logits["width"].softmax(0))
    torch.testing.assert_close(warm.probabilities()["width"], (10 * warm.logits["width"]).softmax(0))
    torch.testing.assert_close(warm.weights_of_step(), warm.probabilities())


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"relaxation 'hard': expected one of softmax, gumbel, two_paths"):
        Supernet(SMALL, "hard")
    with pytest.raises(RecipeError, match=r"temperature 0: expected a number above 0"):
        Supernet(SMALL, temperature=0)
    with pytest.raises(RuntimeError, match="call the whole supernet"):
        supernet().cells[0](torch.rand(1, 4, 16, 16))


def test_other_networks_can_be_relaxed_the_same_way():
    class Scaled(RelaxedNetwork):
        def forward(self, x):
            with self.mixing():
                return self.step.mix("width", [lambda: x, lambda: 2 * x])

    network = Scaled(SMALL.choices, "softmax", 1.0)
    assert isinstance(network, nn.Module)
    weights = network.weights_of_step()["width"]
    torch.testing.assert_close(network(torch.ones(1)), (1 + weights[1]).reshape(1))
