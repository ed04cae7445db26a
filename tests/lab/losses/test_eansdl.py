"""EANSDL against its definition in plain loops, its memory, and a network that learns by it alone."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.losses._window_difference import window_difference
from imfuse.lab.losses.eansdl import EANSDLLoss, eansdl_loss, level_radius
from imfuse.lab.nn.gradients import image_gradient


def maps(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def plain_gradient(features: list[list[list[float]]], y: int, x: int) -> float:
    height, width = len(features[0]), len(features[0][0])
    sizes = []
    for channel in features:

        def at(row: int, column: int, channel: list[list[float]] = channel) -> float:
            return channel[min(max(row, 0), height - 1)][min(max(column, 0), width - 1)]

        across = sum(k * (at(y + i, x + 1) - at(y + i, x - 1)) for i, k in ((-1, 1), (0, 2), (1, 1)))
        down = sum(k * (at(y + 1, x + i) - at(y - 1, x + i)) for i, k in ((-1, 1), (0, 2), (1, 1)))
        sizes.append(math.hypot(across, down))
    return sum(sizes) / len(sizes)


def plain_window(values: list[list[float]], radius: int) -> list[list[float]]:
    height, width = len(values), len(values[0])
    means = []
    for y in range(height):
        means.append([])
        for x in range(width):
            total, count = 0.0, 0
            for i in range(-radius, radius + 1):
                for j in range(-radius, radius + 1):
                    if 0 <= y + i < height and 0 <= x + j < width:
                        total += abs(values[y][x] - values[y + i][x + j])
                        count += 1
            means[-1].append(total / count)
    return means


def plain(features: Tensor, ideal: Tensor, progress: float, radius: int, area_weight: float = 0.5) -> float:
    a, b = features.tolist(), ideal.tolist()
    height, width = features.shape[1:]
    difference = [[plain_gradient(a, y, x) - plain_gradient(b, y, x) for x in range(width)] for y in range(height)]
    area, total = plain_window(difference, radius), 0.0
    for y in range(height):
        for x in range(width):
            size = abs(difference[y][x])
            total += math.exp(-size) * size + area_weight * area[y][x]
    return math.exp(-2 * progress) * total / (height * width)


@pytest.mark.parametrize("radius", [0, 1, 4])
@pytest.mark.parametrize("shape", [(3, 7, 6), (1, 1, 5), (2, 5, 1), (1, 1, 1)])
@pytest.mark.parametrize("weight", ["detached", "paper"])
def test_the_loss_is_that_of_plain_loops(shape, radius, weight):
    features, ideal = maps(2, *shape), maps(2, *shape, seed=1)
    ours = eansdl_loss(features, ideal, 0.3, radius, weight=weight, reduction="none")
    expected = [plain(*pair, 0.3, radius) for pair in zip(features, ideal, strict=True)]
    torch.testing.assert_close(ours, torch.tensor(expected, dtype=torch.double))


@pytest.mark.parametrize("radius", [1, 2, 9])
@pytest.mark.parametrize("shape", [(6, 5), (1, 4), (4, 1), (1, 1)])
def test_the_window_is_that_of_four_loops_with_the_neighbours_inside_the_map(shape, radius):
    values = maps(*shape)
    expected = torch.tensor(plain_window(values.tolist(), radius), dtype=torch.double)
    torch.testing.assert_close(window_difference(values[None], radius)[0], expected)


def test_a_lone_difference_costs_its_area_and_an_even_one_does_not():
    lone = torch.zeros(1, 9, 9)
    lone[0, 4, 4] = 2
    area = window_difference(lone, 1)
    assert area[0, 4, 4].item() == pytest.approx(2 * 8 / 9)
    assert area.sum().item() == pytest.approx(2 * 8 / 9 + 8 * 2 / 9)
    assert window_difference(torch.full((1, 9, 9), 2.0), 3).abs().max() == 0


@pytest.mark.parametrize("radius", [1, 2, 6])
@pytest.mark.parametrize("shape", [(2, 4, 5), (1, 1, 6)])
def test_the_gradient_of_the_window_is_that_of_its_value(shape, radius):
    values = maps(*shape).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: window_difference(x, radius), values)


def test_the_gradient_of_the_loss_is_that_of_its_value():
    features, ideal = maps(2, 2, 5, 4).requires_grad_(), maps(2, 2, 5, 4, seed=1)
    assert torch.autograd.gradcheck(lambda x: eansdl_loss(x, ideal, 0.2, 2, weight="paper"), features)


def test_by_default_the_weight_counts_in_the_value_and_not_in_the_gradient():
    features, ideal = maps(1, 2, 5, 4).requires_grad_(), maps(1, 2, 5, 4, seed=1)
    detached, paper = (eansdl_loss(features, ideal, weight=weight) for weight in ("detached", "paper"))
    assert detached.item() == paper.item()
    (of_detached,), (of_paper,) = (torch.autograd.grad(loss, features) for loss in (detached, paper))
    assert (of_detached - of_paper).abs().max() > 0.01


def slope_of_strength(strength: float, **options) -> float:
    """Of the loss by the strength of features whose ideal strength is 1; gradients there are 8 a unit of strength."""
    columns = torch.arange(8.0, dtype=torch.double).expand(1, 1, 8, 8)
    factor = torch.tensor(strength, dtype=torch.double, requires_grad=True)
    (slope,) = torch.autograd.grad(eansdl_loss(factor * columns, columns, **options), factor)
    return slope.item()


@pytest.mark.parametrize("area_weight", [0.0, 0.5])
@pytest.mark.parametrize("strength", [0.1, 0.8, 0.99, 1.01, 1.1, 1.2, 2.0, 5.0])
def test_descent_always_shrinks_a_difference_by_default(strength, area_weight):
    slope = slope_of_strength(strength, area_weight=area_weight)
    assert slope * (strength - 1) > 0


@pytest.mark.parametrize(("strength", "shrinks"), [(0.95, True), (1.05, True), (1.5, False), (0.5, False)])
def test_descent_by_the_weight_of_the_paper_enlarges_differences_beyond_one(strength, shrinks):
    slope = slope_of_strength(strength, area_weight=0.0, weight="paper")
    assert (slope * (strength - 1) > 0) == shrinks


@pytest.mark.parametrize(("beta", "power"), [(1.0, 0.5), (2.0, 0.25)])
def test_the_loss_decays_with_progress(beta, power):
    pair = maps(1, 2, 6, 6), maps(1, 2, 6, 6, seed=1)
    losses = [eansdl_loss(*pair, progress, alpha=3.0, beta=beta).item() for progress in (0.0, 0.5, 1.0)]
    assert losses[1] / losses[0] == pytest.approx(math.exp(-3 * power))
    assert losses[2] / losses[0] == pytest.approx(math.exp(-3))


@pytest.mark.parametrize("shape", [(1, 2, 6, 7), (2, 1, 1, 1), (1, 3, 1, 5), (1, 3, 5, 1)])
def test_equal_features_cost_nothing_and_ask_for_nothing(shape):
    for features in (maps(*shape), torch.zeros(shape), torch.full(shape, 1e4)):
        learned = features.clone().requires_grad_()
        loss = eansdl_loss(learned, features)
        loss.backward()
        assert loss.item() == 0
        assert learned.grad is not None
        assert learned.grad.abs().max() == 0


@pytest.mark.parametrize("weight", ["detached", "paper"])
@pytest.mark.parametrize("shape", [(1, 2, 6, 7), (2, 1, 1, 1), (1, 3, 1, 5), (1, 3, 5, 1)])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_constant_and_thin_maps_have_finite_values_and_gradients(shape, level, weight):
    learned = torch.full(shape, level, requires_grad=True)
    loss = eansdl_loss(learned, 100 * maps(*shape).float(), weight=weight)
    loss.backward()
    assert torch.isfinite(loss)
    assert learned.grad is not None
    assert torch.isfinite(learned.grad).all()


def test_no_gradient_flows_into_the_ideal():
    features, ideal = maps(1, 2, 5, 5).requires_grad_(), maps(1, 2, 5, 5, seed=1).requires_grad_()
    EANSDLLoss()([features], [ideal]).backward()
    assert features.grad is not None
    assert ideal.grad is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_type_is_kept_and_autocast_changes_nothing(dtype):
    features, ideal = maps(1, 3, 8, 8).to(dtype), maps(1, 3, 8, 8, seed=1).to(dtype)
    loss = eansdl_loss(features, ideal)
    assert loss.dtype == dtype
    torch.testing.assert_close(loss.double(), eansdl_loss(features.double(), ideal.double()), rtol=1e-2, atol=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(eansdl_loss(features, ideal), loss, rtol=0, atol=0)


def test_it_compiles_whole_and_once_for_every_progress():
    features, ideal = maps(1, 2, 8, 8).requires_grad_(), maps(1, 2, 8, 8, seed=1)
    compiled = torch.compile(eansdl_loss, backend="aot_eager", fullgraph=True)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for progress in torch.tensor([0.0, 0.3, 0.6]):
            losses = compiled(features, ideal, progress), eansdl_loss(features, ideal, progress.item())
            torch.testing.assert_close(*losses)
            torch.testing.assert_close(*(torch.autograd.grad(loss, features) for loss in losses))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_the_gpu_agrees():
    features, ideal = maps(2, 3, 9, 8).requires_grad_(), maps(2, 3, 9, 8, seed=1)
    losses = eansdl_loss(features, ideal), eansdl_loss(features.cuda(), ideal.cuda()).cpu()
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(*(torch.autograd.grad(loss, features) for loss in losses))


def peak(call: Callable[[], Tensor]) -> int:
    """Most bytes that the call and its gradient hold at once, from the profiler's record of every allocation."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as seen:
        call().sum().backward()
    events = (event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]")
    held = most = 0
    for _, size in sorted((event.start_ns(), event.nbytes()) for event in events):
        held += size
        most = max(most, held)
    return most


def stacked(values: Tensor, radius: int) -> Tensor:
    windows = F.unfold(F.pad(values[:, None], [radius] * 4, mode="replicate"), 2 * radius + 1)
    return (windows - values.flatten(1)[:, None]).abs().mean(1)


def looped(values: Tensor, radius: int) -> Tensor:
    offsets = range(-radius, radius + 1)
    return sum(((values - values.roll((i, j), (1, 2))).abs() for i in offsets for j in offsets), torch.zeros(()))


def test_memory_does_not_grow_with_the_radius():
    values = torch.randn(1, 64, 64, requires_grad=True)
    one = 64 * 64 * 4
    near, far = (peak(lambda radius=radius: window_difference(values, radius)) / one for radius in (1, 6))
    assert far < 7
    assert far == pytest.approx(near, abs=1)
    assert peak(lambda: stacked(values, 6)) / one > 13**2  # the measure sees what it should
    assert peak(lambda: looped(values, 6)) / one > 13**2


def test_autograd_keeps_no_map_for_an_offset():
    kept = []
    features, ideal = maps(1, 4, 16, 16).requires_grad_(), maps(1, 4, 16, 16, seed=1)
    for radius in (1, 6):
        kept.append(0)

        def count(tensor: Tensor) -> Tensor:
            kept[-1] += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            eansdl_loss(features, ideal, radius=radius)
    assert kept[0] == kept[1]


def test_levels_are_summed_each_with_its_radius():
    shapes = {"fine": (1, 3, 16, 16), "middle": (1, 3, 8, 8), "coarse": (1, 3, 4, 4)}
    features = {name: maps(*shape) for name, shape in shapes.items()}
    ideal = {name: maps(*shape, seed=1) for name, shape in shapes.items()}
    radii = dict(zip(shapes, (3, 2, 1), strict=True))
    expected = {name: eansdl_loss(features[name], ideal[name], 0.1, radius) for name, radius in radii.items()}
    torch.testing.assert_close(EANSDLLoss(radius=3)(features, ideal, 0.1), sum(expected.values()))
    ours = EANSDLLoss(radius=3)(list(features.values()), list(ideal.values()), 0.1)
    torch.testing.assert_close(ours, sum(expected.values()))
    two = EANSDLLoss(["fine", "middle"], radius=3)(features, ideal, 0.1)
    torch.testing.assert_close(two, expected["fine"] + expected["middle"])
    torch.testing.assert_close(EANSDLLoss(radius=3)(features["fine"], ideal["fine"], 0.1), expected["fine"])


def test_the_radius_halves_from_level_to_level_and_stays_one():
    assert [level_radius(8, level) for level in range(6)] == [8, 4, 2, 1, 1, 1]


def test_reductions_agree_and_the_options_reach_the_function():
    features, ideal = maps(3, 2, 6, 6), maps(3, 2, 6, 6, seed=1)
    each = EANSDLLoss(reduction="none", area_weight=0.1)(features, ideal, 0.5)
    assert each.shape == (3,)
    torch.testing.assert_close(eansdl_loss(features, ideal, 0.5, area_weight=0.1), each.mean())
    torch.testing.assert_close(eansdl_loss(features, ideal, 0.5, area_weight=0.1, reduction="sum"), each.sum())
    torch.testing.assert_close(eansdl_loss(features[1:2], ideal[1:2], 0.5, area_weight=0.1), each[1])


@pytest.mark.parametrize(
    "options", [{"progress": 1.5}, {"progress": math.nan}, {"radius": -1}, {"weight": "gone"}, {"reduction": "median"}]
)
def test_what_is_unknown_is_refused(options):
    with pytest.raises(ValueError, match="expected"):
        eansdl_loss(maps(1, 1, 4, 4), maps(1, 1, 4, 4), **options)


def test_maps_and_levels_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match=r"features \(1, 1, 4, 4\): expected the shape of the ideal, \(1, 1, 4, 5\)"):
        eansdl_loss(maps(1, 1, 4, 4), maps(1, 1, 4, 5))
    pyramid = {"0": maps(1, 1, 4, 4), "1": maps(1, 1, 2, 2)}
    for levels, ideal in ((None, {"0": pyramid["0"]}), (["2"], pyramid), ([], pyramid)):
        with pytest.raises(ValueError, match=r"levels .*expected"):
            EANSDLLoss(levels)(pyramid, ideal)


def scenes(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Smooth ideal images, and the same in fog with noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 1, 6, 6, generator=generator)
    ideal = F.interpolate(coarse, size=(24, 24), mode="bicubic", align_corners=False)
    return ideal, 0.6 + 0.3 * ideal + 0.02 * torch.randn(ideal.shape, generator=generator)


def gradient_size(features: Tensor) -> Tensor:
    return torch.linalg.vector_norm(image_gradient(features), dim=2).mean(1)


def test_a_network_learns_the_features_of_ideal_images_from_degraded_ones():
    torch.manual_seed(0)
    ideal_network = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))
    network = copy.deepcopy(ideal_network)
    ideal_network.requires_grad_(False)
    (ideal, degraded), (unseen_ideal, unseen_degraded) = scenes(16, 1), scenes(8, 2)

    def unlike(features: Tensor) -> float:
        with torch.no_grad():
            return (gradient_size(features) - gradient_size(ideal_network(unseen_ideal))).abs().mean().item()

    optimiser, loss, before = (
        torch.optim.Adam(network.parameters(), 0.005),
        EANSDLLoss(radius=2),
        unlike(network(unseen_degraded)),
    )
    for step in range(80):
        value = loss(network(degraded), ideal_network(ideal), progress=step / 80)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    after, flat = unlike(network(unseen_degraded)), unlike(torch.zeros(8, 8, 24, 24))
    assert after < 0.5 * min(before, flat)  # flat: no features at all
