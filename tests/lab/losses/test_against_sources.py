"""Which target the sources give to a loss between two images."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch.nn import functional as F

from imfuse.lab.losses.against_sources import AgainstSources, against_sources, with_sources

FUSED, SOURCES = torch.rand(2, 1, 5, 7), torch.rand(2, 3, 5, 7)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("each", (FUSED - SOURCES).abs().mean()),
        ("mean", (FUSED - SOURCES.mean(1, keepdim=True)).abs().mean()),
        ("maximum", (FUSED - SOURCES.amax(1, keepdim=True)).abs().mean()),
        (2, (FUSED - SOURCES[:, 2:]).abs().mean()),
    ],
)
def test_the_target_is_the_one_that_was_asked_for(target, expected):
    torch.testing.assert_close(AgainstSources(F.l1_loss, target)(FUSED, SOURCES), expected)


def test_the_options_reach_the_loss():
    loss = against_sources(torch.nn.HuberLoss)(target=0, delta=0.1)
    torch.testing.assert_close(loss(FUSED, SOURCES), F.huber_loss(FUSED, SOURCES[:, :1], delta=0.1))


@pytest.mark.parametrize("target", ["all", True, 1.0])
def test_an_unknown_target_is_refused(target):
    with pytest.raises(ValueError, match="expected each, mean, maximum"):
        AgainstSources(F.l1_loss, target)


@pytest.mark.parametrize("target", [3, -1])
def test_a_source_that_is_not_there_is_refused(target):
    with pytest.raises(ValueError, match="there are 3 sources"):
        AgainstSources(F.l1_loss, target)(FUSED, SOURCES)


def test_roles_choose_the_sources_and_an_option_changes_them():
    def make(scale: float = 1.0):
        return lambda fused, first, second: scale * (fused - first + 2 * second).sum()

    fused, (zero, one, two) = FUSED.sum(), (source.sum() for source in SOURCES.split(1, dim=1))
    made = with_sources(make, first=1, second=0)
    torch.testing.assert_close(made(scale=3.0)(FUSED, SOURCES), 3 * (fused - one + 2 * zero))
    torch.testing.assert_close(made(first=2)(FUSED, SOURCES), fused - two + 2 * zero)
    torch.testing.assert_close(with_sources(lambda: torch.mean)()(FUSED, SOURCES), FUSED.mean())


def test_the_signature_shows_the_options_of_the_loss_and_its_own():
    def make(scale: float = 1.0):
        return lambda fused, source: scale * (fused - source).sum()

    assert str(inspect.signature(against_sources(make))) == "(*, scale=1.0, target='each')"
    assert str(inspect.signature(with_sources(make, source=1))) == "(*, scale=1.0, source=1)"
