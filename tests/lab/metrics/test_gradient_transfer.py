"""Qabf, LABF and Nabf against loops over the pixels, written from the papers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imfuse.lab.metrics import functional as metrics

RNG = np.random.default_rng(0)
A, B, F = np.repeat(np.repeat(RNG.uniform(0, 255, (3, 6, 8)), 3, axis=1), 2, axis=2) + RNG.normal(0, 2, (3, 18, 16))
A[:, 7:] = np.round(A[:, 7:] / 64) * 64  # some flat and upright places
F[5:9], B[11:] = 100.0, 40.0


def tensor(*images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(images) / 255)[None]


def derivatives(image: np.ndarray, mode: str) -> tuple[np.ndarray, np.ndarray]:
    padded = np.pad(image, 1, mode=mode)
    across, down = np.zeros_like(image), np.zeros_like(image)
    for y, x in np.ndindex(image.shape):
        patch = padded[y : y + 3, x : x + 3]
        across[y, x] = (patch * [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]).sum()
        down[y, x] = (patch * [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]).sum()
    return across, down


def angle(across: float, down: float, full_turn: bool) -> float:
    if full_turn:
        return math.atan2(down, across) if abs(across) + abs(down) > 1e-9 else 0.0
    return math.pi / 2 if abs(across) < 1e-9 else math.atan(down / across)


def sigmoid(value: float, top: float, slope: float, centre: float) -> float:
    return top / (1 + math.exp(slope * (value - centre)))


def strength_ratio(first: float, second: float) -> float:
    return min(first, second) / max(first, second) if max(first, second) > 0 else 0.0


def petrovic(fused: np.ndarray, source: np.ndarray, full_turn: bool = False) -> tuple[np.ndarray, ...]:
    """Preservation, weight and strength of the edges of a source, and the strength of those of the fused image."""
    of_fused, of_source = derivatives(fused, "constant"), derivatives(source, "constant")
    strength_f, strength_s = np.hypot(*of_fused), np.hypot(*of_source)
    quality = np.zeros_like(source)
    for at in np.ndindex(source.shape):
        turn = abs(
            angle(of_source[0][at], of_source[1][at], full_turn) - angle(of_fused[0][at], of_fused[1][at], full_turn)
        )
        quality[at] = sigmoid(strength_ratio(strength_f[at], strength_s[at]), 0.9994, -15, 0.5)
        quality[at] *= sigmoid(1 - turn / (math.pi / 2), 0.9879, -22, 0.8)
    return quality, strength_s, strength_s, strength_f


def kumar(fused: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, ...]:
    of_fused, of_source = derivatives(fused, "reflect"), derivatives(source, "reflect")
    strength_f, strength_s = np.hypot(*of_fused) / 8, np.hypot(*of_source) / 8
    quality = np.zeros_like(source)
    for at in np.ndindex(source.shape):
        # He measures the angle from the other axis, with 0 for no edge.
        angles = [
            0.0 if a == d == 0 else math.pi / 2 if d == 0 else math.atan(a / d)
            for a, d in ((of_source[0][at], of_source[1][at]), (of_fused[0][at], of_fused[1][at]))
        ]
        alignment = abs(abs(angles[0] - angles[1]) - math.pi / 2) * 2 / math.pi
        of_strength = sigmoid(strength_ratio(strength_f[at], strength_s[at]), 0.9999, -19, 0.5)
        quality[at] = math.sqrt(of_strength * sigmoid(alignment, 0.9995, -22, 0.5))
    return quality, np.where(strength_s >= 2, strength_s**1.5, 0.001), strength_s, strength_f


def shares(of_a: tuple[np.ndarray, ...], of_b: tuple[np.ndarray, ...]) -> dict[str, float]:
    (quality_a, weight_a, strength_a, strength_f), (quality_b, weight_b, strength_b, _) = of_a, of_b
    total = (weight_a + weight_b).sum()
    added = (strength_f > strength_a) & (strength_f > strength_b)
    lack = (1 - quality_a) * weight_a + (1 - quality_b) * weight_b
    return {
        "kept": (quality_a * weight_a + quality_b * weight_b).sum() / total,
        "lost": lack[~added].sum() / total,
        "added": lack[added].sum() / total,
        "petrovic": ((2 - quality_a - quality_b) * (weight_a + weight_b))[added].sum() / total,
    }


def test_the_maps_are_those_of_the_paper():
    expected = shares(petrovic(F, A), petrovic(F, B))
    fused, sources = tensor(F), tensor(A, B)
    assert metrics.edge_transfer(fused, sources).item() == pytest.approx(expected["kept"], rel=1e-5)
    assert metrics.edge_loss(fused, sources).item() == pytest.approx(expected["lost"], rel=1e-5)
    assert metrics.edge_artefacts(fused, sources).item() == pytest.approx(expected["added"], rel=1e-5)
    before = metrics.edge_artefacts(fused, sources, convention="petrovic")
    assert before.item() == pytest.approx(expected["petrovic"], rel=1e-5)


def test_the_maps_of_kumar_are_those_of_his_code():
    expected = shares(kumar(F, A), kumar(F, B))
    fates = metrics.edge_fates(tensor(F), tensor(A, B), convention="kumar")
    assert [fate.item() for fate in fates] == pytest.approx([expected[k] for k in ("kept", "lost", "added")], rel=1e-5)
    assert metrics.edge_loss(tensor(F), tensor(A, B), convention="kumar").item() == fates.lost.item()
    assert metrics.edge_artefacts(tensor(F), tensor(A, B), convention="kumar").item() == fates.added.item()


def test_a_full_turn_tells_reversed_edges_apart():
    expected = shares(petrovic(F, A, full_turn=True), petrovic(F, B, full_turn=True))
    value = metrics.edge_transfer(tensor(F), tensor(A, B), convention="atan2").item()
    assert value == pytest.approx(expected["kept"], rel=1e-5)
    steps = np.tile([0.0, 0, 0, 90, 90, 90, 0, 0, 0, 90], (8, 1))[1:-1]
    steps = np.pad(steps, ((0, 0), (0, 0)))
    reversed_steps = tensor(90 - steps)[..., 1:-1]
    original = tensor(steps, steps)[..., 1:-1]
    assert metrics.edge_transfer(reversed_steps, original, convention="atan2") < 0.7 * metrics.edge_transfer(
        reversed_steps, original
    )


@pytest.mark.parametrize("convention", ["imfuse", "kumar"])
@pytest.mark.parametrize("count", [2, 3])
def test_what_is_kept_lost_and_added_is_all(convention, count):
    fates = metrics.edge_fates(tensor(F), tensor(A, B, A[::-1])[:, :count], convention=convention)
    assert sum(fate.item() for fate in fates) == pytest.approx(1, abs=1e-12)
    assert all(0 <= fate.item() <= 1 for fate in fates)


def test_edge_transfer_is_the_kept_share():
    fused, sources = tensor(F), tensor(A, B)
    assert metrics.edge_transfer(fused, sources).item() == pytest.approx(metrics.edge_fates(fused, sources).kept.item())


def test_noise_in_the_fused_image_is_an_artefact():
    noisy = (A + B) / 2 + RNG.normal(0, 30, A.shape).clip(-60, 60)
    calm, loud = (metrics.edge_artefacts(tensor(image / 2), tensor(A / 2, B / 2)) for image in ((A + B) / 2, noisy))
    assert loud > calm


def test_sources_without_an_edge_give_zero():
    fused = torch.nn.functional.pad(tensor(F), [1] * 4)
    black = torch.zeros_like(fused).expand(-1, 2, -1, -1)
    assert [fate.item() for fate in metrics.edge_fates(fused, black)] == [0, 0, 0]
    assert metrics.edge_transfer(fused, black).item() == 0


@pytest.mark.parametrize("tiny", [1e-4, 1e-12, 1e-20, 1e-30])
@pytest.mark.parametrize("convention", ["imfuse", "atan2"])
def test_edge_transfer_has_finite_gradients_where_edges_all_but_vanish(tiny, convention):
    fused = (tensor(F).float() * tiny).requires_grad_()
    metrics.edge_transfer(fused, tensor(A, B).float(), convention=convention).sum().backward()
    assert torch.isfinite(fused.grad).all()
