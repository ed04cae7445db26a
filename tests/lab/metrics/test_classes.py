"""The torchmetrics classes are means of the functions, over batches, copies and processes."""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys

import pytest
import torch
from torchmetrics import MetricCollection

import imfuse.lab.metrics
from imfuse.errors import MetricError
from imfuse.lab.metrics import EdgeTransfer, Entropy, MeanSquaredError, PeakSignalNoiseRatio, fusion_metrics
from imfuse.lab.metrics.collection import CLASSES
from imfuse.lab.metrics.registry import COMMON, METRICS

SIZES = (2, 1)
"""Of two batches, unequal, so that a mean of their means would be wrong."""
OF_LUMA = [name for name, metric in METRICS.items() if metric.inputs != "colour"]
OF_COLOUR = [name for name, metric in METRICS.items() if metric.inputs == "colour"]


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
    if not names:
        pytest.skip("no such metric")
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


@pytest.mark.skipif(not OF_COLOUR, reason="no metric of colour")
def test_metrics_of_luma_and_of_colour_take_other_images():
    with pytest.raises(MetricError, match="measured on colour images"):
        fusion_metrics(["SSIM", *OF_COLOUR])


def test_the_functions_do_without_torchmetrics():
    code = "import sys, imfuse.lab.metrics.registry; print('torchmetrics' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


PROCESS = """
import json, sys
from datetime import timedelta
import torch
from torch import distributed
from imfuse.lab.metrics import fusion_metrics

rank, folder = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
distributed.init_process_group(
    "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2, timeout=timedelta(seconds=60)
)
metrics = fusion_metrics(sys.argv[3].split(","))
for fused, sources in torch.load(f"{folder}/batches.pt")[rank]:
    of_batch = metrics(fused, sources)
alone = {name: float(metric.metric_state["count"]) for name, metric in metrics.items()}
means = {name: float(mean) for name, mean in metrics.compute().items()}
again = {name: float(metric.metric_state["count"]) for name, metric in metrics.items()}
with open(f"{folder}/{rank}.json", "w") as file:
    json.dump({"means": means, "alone": alone, "again": again}, file)
distributed.destroy_process_group()
"""


def test_two_processes_with_unequal_shares_find_the_mean_of_one(tmp_path):
    names, sizes = ("EN", "MI", "Qabf", "SSIM", "MSE", "PSNR"), (2, 1, 3)
    first, *others = batches(sizes=sizes)
    torch.save([[first], others], tmp_path / "batches.pt")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PROCESS, str(rank), str(tmp_path), ",".join(names)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    for rank, images in enumerate((2, 4)):
        found = json.loads((tmp_path / f"{rank}.json").read_text())
        assert set(found["alone"].values()) == set(found["again"].values()) == {images}
        for name in names:
            assert found["means"][name] == pytest.approx(values(name, sizes=sizes).mean().item(), rel=1e-6), name
