"""The expected latency against sums over the parts of drawn networks, and its gradient."""

from __future__ import annotations

import zlib
from random import Random

import pytest
import torch

from imfuse.lab.search.choices import sample
from imfuse.lab.search.expected_latency import ExpectedLatency
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.parts import Part, parts
from imfuse.lab.search.space import Space

KINDS = ("csc", "cms", "cdc")
RICH = Space(KINDS, cells=(0, 1, 3), resolutions=(1, 2, 4), widths=(8, 16, 32), heads=("direct", "blend", "pyramid"))
SMALL = Space(("csc", "cms"), ("res_3", "dil_3"), 1, cells=(0, 2), widths=(8, 16), heads=("direct", "blend"))
FIXED = Space(("cdc",), ("res_3",), 2, cells=(2,))
HAF = HAFSpace(KINDS, ("res_3", "conv_3"), 1, ffm=(1, 2), target=(0, 1), detail=(2,), widths=(8, 16))
HAF_FIXED = HAFSpace(("csc",), ("res_3",), 1)
SPACES = (RICH, SMALL, FIXED, HAF, HAF_FIXED)


class Invented:
    """Times that are other for every part."""

    def milliseconds(self, part: Part) -> float:
        return 0.5 + zlib.crc32(str(part).encode()) % 100_000 / 1000


def one_hot(space, genotype, random: Random) -> dict[str, torch.Tensor]:
    """Certain picks; what the genotype leaves open is anything, as its parts are not there."""
    picks, found = space.picks(genotype), {}
    for choice in space.choices:
        values = torch.zeros(len(choice.options), dtype=torch.double)
        values[picks.get(choice.name, random.randrange(len(choice.options)))] = 1
        found[choice.name] = values
    return found


def spread(space, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        choice.name: torch.randn(len(choice.options), dtype=torch.double, generator=generator).softmax(0)
        for choice in space.choices
    }


@pytest.mark.parametrize("space", SPACES)
def test_of_certain_picks_it_is_the_time_of_that_network(space):
    random, table = Random(0), Invented()
    expected = ExpectedLatency(space, table)
    for _ in range(50):
        genotype = sample(space, random)
        found = expected(one_hot(space, genotype, random))
        assert found.item() == pytest.approx(sum(map(table.milliseconds, parts(genotype))))


@pytest.mark.parametrize("space", [SMALL, HAF])
def test_it_is_the_mean_over_drawn_networks(space):
    random, table, probabilities = Random(1), Invented(), spread(space, 2)
    times = []
    for _ in range(4000):
        picks = {name: random.choices(range(len(values)), values.tolist())[0] for name, values in probabilities.items()}
        times.append(sum(map(table.milliseconds, parts(space.genotype(picks)))))
    mean, deviation = torch.tensor(times).mean(), torch.tensor(times).std()
    assert abs(ExpectedLatency(space, table)(probabilities) - mean) < 5 * deviation / 4000**0.5


@pytest.mark.parametrize("space", [SMALL, HAF])
def test_its_gradients_are_right_to_the_second_order(space):
    expected, names = ExpectedLatency(space, Invented()), [choice.name for choice in space.choices]

    def time(*values: torch.Tensor) -> torch.Tensor:
        return expected(dict(zip(names, values, strict=True)))

    some = [values.requires_grad_() for values in spread(space, 3).values()]
    assert torch.autograd.gradcheck(time, some)
    if space is SMALL:
        assert torch.autograd.gradgradcheck(time, some)


def test_an_option_of_no_chance_has_a_gradient_too():
    random = Random(4)
    genotype = sample(SMALL, random)
    picks = {name: values.requires_grad_() for name, values in one_hot(SMALL, genotype, random).items()}
    expected = ExpectedLatency(SMALL, Invented())
    expected(picks).backward()
    changed = {name: values.detach().clone() for name, values in picks.items()}
    changed["head"][0] += 1
    gradient = picks["head"].grad
    assert gradient is not None
    assert gradient[0].item() == pytest.approx((expected(changed) - expected(picks)).item())


def test_it_takes_the_type_of_the_probabilities():
    probabilities = {name: values.float() for name, values in spread(SMALL, 5).items()}
    assert ExpectedLatency(SMALL, Invented())(probabilities).dtype == torch.float32


def test_probabilities_of_another_space_are_refused():
    probabilities = spread(SMALL, 6)
    expected = ExpectedLatency(SMALL, Invented())
    with pytest.raises(ValueError, match=r"'head': shape \(3,\); expected \(2,\)"):
        expected({**probabilities, "head": torch.ones(3)})
    with pytest.raises(ValueError, match="'head': shape None"):
        expected({name: values for name, values in probabilities.items() if name != "head"})
