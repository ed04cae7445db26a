"""The torchmetrics classes are means of the functions, over batches, copies and processes."""

from __future__ import annotations

import inspect
import json
import math
import os
import pickle
import subprocess
import sys

import pytest
import torch
from torchmetrics import MetricCollection
from torchvision.models import alexnet

import imfuse.lab.metrics
from imfuse.errors import MetricError
from imfuse.lab.metrics import (
    EdgeTransfer,
    Entropy,
    MeanSquaredError,
    PeakSignalNoiseRatio,
    PerceptualDistance,
    fusion_metrics,
)
from imfuse.lab.metrics.collection import CLASSES
from imfuse.lab.metrics.functional.perceptual import weights_file
from imfuse.lab.metrics.registry import COMMON, METRICS

SIZES = (2, 1)
"""Of two batches, unequal, so that a mean of their means would be wrong."""
OF_LUMA = [name for name, metric in METRICS.items() if metric.inputs != "colour"]
OF_COLOUR = [name for name, metric in METRICS.items() if metric.inputs == "colour"]


@pytest.fixture(scope="module", autouse=True)
def _weights_of_lpips(tmp_path_factory):
    """Random weights of AlexNet where torch.hub would keep the trained ones, because any will do here."""
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in alexnet().state_dict().items() if key.startswith("features.")}
    generator = torch.Generator().manual_seed(0)
    # By TORCH_HOME, because what `torch.hub.set_dir` sets cannot be unset.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("torch")))
        weights_file().parent.mkdir(parents=True)
        torch.save({key: torch.randn(shape, generator=generator) / 10 for key, shape in shapes.items()}, weights_file())
        yield


def batches(name: str = "SSIM", sizes: tuple[int, ...] = SIZES) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Fused images and sources of each batch, as the metric takes them."""
    generator = torch.Generator().manual_seed(0)
    channels = (3, 3) if name in OF_COLOUR else (1, 2)
    shapes = [[(size, count, 48, 56) for count in channels] for size in sizes]
    return [(torch.rand(fused, generator=generator), torch.rand(s, generator=generator)) for fused, s in shapes]


def values(name: str, convention: str = "imfuse", sizes: tuple[int, ...] = SIZES) -> torch.Tensor:
    """Of all images, by the function."""
    return torch.cat([METRICS[name](*batch, convention) for batch in batches(name, sizes)]).double()


def test_every_metric_has_a_class_that_the_package_exports():
    assert list(CLASSES) == list(METRICS)
    for kind in CLASSES.values():
        assert getattr(imfuse.lab.metrics, kind.__name__) is kind
    exported = {*imfuse.lab.metrics.__all__} - {"FusionMetric", "fusion_metrics"}
    assert exported == {kind.__name__ for kind in CLASSES.values()}


@pytest.mark.parametrize("name", METRICS)
def test_a_class_says_what_the_registry_says(name):
    entry, kind = METRICS[name], CLASSES[name]
    assert kind.function is entry.function
    for attribute in ("inputs", "conventions", "higher_is_better", "is_differentiable"):
        assert getattr(kind, attribute) == getattr(entry, attribute), attribute


@pytest.mark.parametrize(("name", "convention"), [(n, c) for n, metric in METRICS.items() for c in metric.conventions])
def test_a_class_gives_the_mean_of_the_function_over_all_images(name, convention):
    metric = CLASSES[name](convention)
    for batch in batches(name):
        metric.update(*batch)
    torch.testing.assert_close(metric.compute(), values(name, convention).mean(), rtol=1e-6, atol=1e-9)


def test_calling_gives_the_mean_of_the_batch_and_counts_its_images():
    metric = EdgeTransfer()
    of_batches = [metric(*batch) for batch in batches("Qabf")]
    expected = values("Qabf").split(SIZES)
    torch.testing.assert_close(torch.stack(of_batches), torch.stack([part.mean() for part in expected]))
    torch.testing.assert_close(metric.compute(), values("Qabf").mean())


def test_reset_forgets_the_images():
    metric = EdgeTransfer()
    first, second = batches("Qabf")
    metric.update(*first)
    metric.reset()
    metric.update(*second)
    torch.testing.assert_close(metric.compute(), METRICS["Qabf"](*second).double().mean())


def test_the_value_of_a_batch_can_be_a_loss():
    fused, sources = batches()[0]
    fused.requires_grad_()
    metric = CLASSES["SSIM"]()
    metric(fused, sources).backward()
    assert fused.grad is not None
    assert fused.grad.abs().sum() > 0
    assert not metric.compute().requires_grad, "the mean would hold the graphs of all batches"


@pytest.mark.parametrize("name", METRICS)
def test_the_state_is_a_sum_and_a_count(name):
    metric = CLASSES[name]()
    metric.update(*batches(name)[0])
    assert sorted(state.shape for state in metric.metric_state.values()) == [(), ()]
    assert {state.dtype for state in metric.metric_state.values()} == {torch.float64, torch.int64}


def test_small_differences_do_not_drown_in_a_long_sum():
    metric = MeanSquaredError()
    metric.update(*batches()[0])
    setattr(metric, metric.sum_name, torch.tensor(1e8, dtype=torch.float64))
    fused, sources = batches()[1]
    metric.update(fused, sources)
    assert metric.metric_state[metric.sum_name].item() - 1e8 == pytest.approx(values("MSE")[-1].item(), rel=1e-5)


def test_a_device_without_float64_sums_in_float32():
    def move(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return tensor.clone()

    metric = MeanSquaredError()
    metric._apply(move)
    for batch in batches("MSE"):
        metric.update(*batch)
    assert metric.compute().dtype == torch.float32
    torch.testing.assert_close(metric.compute(), values("MSE").mean().float())


def test_copies_go_on_alone():
    first, second = batches("Qabf")
    metric = EdgeTransfer()
    metric.update(*first)
    for copy in (metric.clone(), pickle.loads(pickle.dumps(metric))):
        copy.update(*second)
        torch.testing.assert_close(copy.compute(), values("Qabf").mean())
    torch.testing.assert_close(metric.compute(), METRICS["Qabf"](*first).double().mean())


def test_metrics_of_the_fused_image_need_no_sources_and_take_them_alike():
    fused, sources = batches()[0]
    torch.testing.assert_close(Entropy()(fused), Entropy()(fused, sources))
    with pytest.raises(MetricError, match="Qabf compares the fused image with its sources"):
        EdgeTransfer().update(fused)


def test_the_weights_of_lpips_may_lie_elsewhere(tmp_path):
    fused, sources = batches("LPIPS")[0]
    expected = PerceptualDistance()(fused, sources)
    file = weights_file().replace(tmp_path / "mine.pth")
    try:
        torch.testing.assert_close(PerceptualDistance(weights=file)(fused, sources), expected)
    finally:
        file.replace(weights_file())


def test_one_image_equal_to_its_sources_makes_the_mean_psnr_infinite():
    metric = PeakSignalNoiseRatio()
    fused, sources = batches("PSNR")[0]
    metric.update(fused, sources)
    assert math.isfinite(metric.compute())
    metric.update(fused, fused.expand(-1, 2, -1, -1))
    assert metric.compute() == math.inf


def test_an_unknown_convention_is_refused_at_once():
    with pytest.raises(MetricError, match="Qabf: no convention 'mine'; expected one of imfuse"):
        EdgeTransfer("mine")


@pytest.mark.parametrize("names", [OF_LUMA, OF_COLOUR], ids=["luma", "colour"])
def test_a_collection_gives_the_mean_of_each_metric_by_its_name(names):
    metrics = fusion_metrics(names)
    for batch in batches(names[0]):
        metrics.update(*batch)
    means = metrics.compute()
    assert set(means) == set(names)
    for name, mean in means.items():
        torch.testing.assert_close(mean, values(name).mean(), rtol=1e-6, atol=1e-9, msg=name)


def test_a_collection_measures_what_papers_report_most_unless_told_otherwise():
    assert set(fusion_metrics()) == set(COMMON)


def test_metrics_that_agree_on_the_first_batch_are_not_taken_for_one():
    flat = torch.full((1, 1, 48, 56), 0.5)
    metrics = MetricCollection([CLASSES[name]() for name in ("SD", "SF", "AG")])
    metrics.update(flat, flat)  # all three are 0
    fused, sources = batches()[0]
    metrics.update(fused, sources)
    for name in ("SD", "SF", "AG"):
        expected = METRICS[name](fused, sources).double().sum() / 3
        torch.testing.assert_close(metrics.compute()[CLASSES[name].__name__], expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((["SSIM", "Qxyz"],), "no metric 'Qxyz'; expected some of EN, "),
        ((["SSIM"], {"Qxyz": "atan2"}), "no metric 'Qxyz'"),
        ((["SSIM"], {"EN": "imfuse"}), "a convention is given for EN, which is not among"),
        ((["EN"], {"EN": "mine"}), "EN: no convention 'mine'"),
    ],
)
def test_a_collection_says_what_it_does_not_know(arguments, text):
    with pytest.raises(MetricError, match=text):
        fusion_metrics(*arguments)


def test_metrics_of_luma_and_of_colour_take_other_images():
    with pytest.raises(MetricError, match="measured on colour images"):
        fusion_metrics(["SSIM", *OF_COLOUR])


def test_the_functions_do_without_torchmetrics():
    code = "import sys, imfuse.lab.metrics.registry; print('torchmetrics' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def means_of_two(rank, folder, names):
    """Means over both processes, with the number of images before and after they met."""
    from datetime import timedelta

    import torch
    from torch import distributed

    from imfuse.lab.metrics import fusion_metrics

    meeting = f"file://{folder}/meeting"
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2, timeout=timedelta(seconds=120))
    try:
        metrics = fusion_metrics(names)
        for fused, sources in torch.load(f"{folder}/batches.pt")[rank]:
            metrics(fused, sources)
        before = [int(metric.count) for metric in metrics.values()]
        means = {name: float(mean) for name, mean in metrics.compute().items()}
        return means, before, [int(metric.count) for metric in metrics.values()]
    finally:
        distributed.destroy_process_group()


def test_two_processes_with_unequal_shares_find_the_mean_of_one(tmp_path):
    names, sizes = ("EN", "MI", "Qabf", "SSIM", "MSE", "PSNR"), (2, 1, 3)
    first, *others = batches(sizes=sizes)
    torch.save([[first], others], tmp_path / "batches.pt")
    call = f"import json; print(json.dumps(means_of_two(1, {str(tmp_path)!r}, {names})))"
    command = [sys.executable, "-W", "error", "-c", f"{inspect.getsource(means_of_two)}\n{call}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as other:
        here = means_of_two(0, tmp_path, names)
        there = json.loads(other.communicate(timeout=120)[0])
    for (means, before, after), images in ((here, 2), (there, 4)):
        assert before == after == [images] * len(names)
        for name in names:
            assert means[name] == pytest.approx(values(name, sizes=sizes).mean().item(), rel=1e-6), name
