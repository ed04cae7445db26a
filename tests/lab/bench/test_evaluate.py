"""Whole evaluations: which methods, which values, what is kept for the next run, and what is said."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from imfuse import Fuser
from imfuse.errors import EvaluationError, ModelError
from imfuse.images.files import read_image, write_image
from imfuse.lab.bench import evaluate as module
from imfuse.lab.bench.evaluate import evaluate, has_failed
from imfuse.lab.bench.measuring import board, columns, fusing
from imfuse.lab.bench.measuring.processes import measure
from imfuse.lab.metrics.functional import perceptual
from imfuse.lab.metrics.registry import COMMON, METRICS, RANKED
from imfuse.scenes import simulate

METRIC_NAMES = ["VIF", "SSIM"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    for number in range(3):
        scene = simulate(72, 96, seed=number)
        write_image(folder / "ir" / f"{number}.png", scene.infrared)
        write_image(folder / "vis" / f"{number}.jpg", scene.visible)
        write_image(folder / "grey" / f"{number}.png", scene.infrared // 2 + 40)
        write_image(folder / "colour" / f"{number}.bmp", read_image(folder / "vis" / f"{number}.jpg").pixels)
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """Folders `ir`, `vis`, `grey` and `colour` of the scenes 0 to 2."""
    return Path(shutil.copytree(template, tmp_path / "set"))


@pytest.fixture
def run(folder: Path):
    """Evaluates the folders `grey` and `colour`."""

    def call(**options):
        fused = options.pop("fused", {"grey": folder / "grey", "colour": folder / "colour"})
        options = {"metrics": METRIC_NAMES, **options}
        return evaluate([folder / "ir", folder / "vis"], fused, folder / "report", **options)

    return call


@pytest.fixture
def measured(monkeypatch):
    """The tasks that are really measured."""
    tasks = []

    def watched(given, jobs):
        tasks.extend(given)
        return measure(given, jobs)

    monkeypatch.setattr(module, "measure", watched)
    return tasks


def test_methods_come_in_their_order_and_the_references_last(run):
    evaluation = run(models={"fast": "laplacian"}, title="Streets")
    assert [method.name for method in evaluation.methods] == ["grey", "colour", "fast", "Average", "Maximum"]
    assert [method.kind for method in evaluation.methods] == ["folder", "folder", "model", "reference", "reference"]
    assert evaluation.metrics == tuple(METRIC_NAMES)
    assert (evaluation.title, evaluation.source_names) == ("Streets", ("ir", "vis"))
    assert evaluation.values.shape == (5, 2, 3)
    assert np.isfinite(evaluation.values).all()
    assert evaluation.problems == ()
    assert not has_failed(evaluation)


def test_without_any_method_the_references_are_measured(run):
    assert [method.name for method in run(fused={}).methods] == ["Average", "Maximum"]


def test_the_usual_metrics_are_measured_unless_others_are_named(run):
    evaluation = run(metrics=COMMON)
    assert evaluation.metrics == COMMON
    assert evaluation.ranked == RANKED
    assert run(metrics=["MSE", "PSNR"]).ranked == ("MSE", "PSNR")
    assert run(ranked=["SSIM"]).ranked == ("SSIM",)


def test_a_convention_changes_its_metric_alone(run):
    usual, nats = run(metrics=["MI", "VIF"]), run(metrics=["MI", "VIF"], conventions={"MI": "nats", "VIF": "imfuse"})
    assert nats.conventions == {"MI": "nats"}
    np.testing.assert_allclose(nats.values[:, 0], usual.values[:, 0] * np.log(2), rtol=1e-6)
    np.testing.assert_array_equal(nats.values[:, 1], usual.values[:, 1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"metrics": ["VIIF"]}, "did you mean"),
        ({"metrics": []}, "no metrics to measure"),
        ({"conventions": {"SSIM": "bits"}}, "SSIM has no convention 'bits'; expected one of imfuse"),
        ({"conventions": {"MI": "nats"}}, "'MI', which is not measured"),
        ({"ranked": ["MI"]}, "'MI', which is not measured"),
        ({"models": {"grey": "average"}}, "two methods are called grey"),
        ({"models": {"Average": "average"}}, "added to every table by itself"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(run, folder, options, said):
    with pytest.raises(EvaluationError, match=said):
        run(**options)
    assert not (folder / "report").exists()


def test_an_unknown_model_is_refused_before_any_work(run, folder):
    with pytest.raises(ModelError, match="no model 'nope'"):
        run(models={"x": "nope"})
    assert not (folder / "report").exists()


def test_models_fuse_as_the_fuser_does_and_are_timed(run, folder):
    evaluation = run(models={"fast": "laplacian", "ivif": "ivif"})
    method = evaluation.methods[3]
    assert method.files["1"] == folder / "report" / "fused" / "ivif" / "1.png"
    sources = [read_image(folder / name).pixels for name in ("ir/1.png", "vis/1.jpg")]
    assert np.array_equal(read_image(method.files["1"]).pixels, Fuser.load("ivif", threads=1)(*sources))
    assert set(method.milliseconds) == {"0", "1", "2"}
    assert all(0.1 < value < 5000 for value in method.milliseconds.values())


def test_a_second_run_measures_and_fuses_nothing(run, measured, monkeypatch):
    first = run(models={"fast": "laplacian"})
    assert len(measured) == 3
    monkeypatch.setattr(Fuser, "__call__", lambda *_, **__: pytest.fail("fused again"))
    measured.clear()
    second = run(models={"fast": "laplacian"})
    assert measured == []
    np.testing.assert_array_equal(first.values, second.values)
    assert first.methods == second.methods


def test_times_of_another_machine_are_not_taken_over(run, monkeypatch):
    models = {"fast": "laplacian"}
    run(models=models)
    calls, fuse = [], Fuser.__call__
    monkeypatch.setattr(Fuser, "__call__", lambda self, *given, **named: calls.append(1) or fuse(self, *given, **named))
    monkeypatch.setattr(fusing, "machine", lambda: "another processor, 64 cores")
    run(models=models)
    assert len(calls) == 3 + 1  # one to warm up
    run(models=models)
    assert len(calls) == 3 + 1


def test_other_weights_of_lpips_are_measured_again(run, measured, monkeypatch, tmp_path):
    def lpips(*_):
        return torch.zeros(1)

    made = type("Made", (), {"inputs": "sources", "__call__": lpips})()
    monkeypatch.setitem(METRICS, "LPIPS", made)
    monkeypatch.setattr(columns, "_is_available", lambda _: True)
    for text in ("first", "second"):
        (tmp_path / "weights.pth").write_text(text)
        monkeypatch.setattr(perceptual, "weights_file", lambda: tmp_path / "weights.pth")
        board.weights_hash.cache_clear()
        run(metrics=["LPIPS", "SSIM"])
    board.weights_hash.cache_clear()
    wanted = [columns for task in measured for _, columns in task.pictures]
    assert wanted == 12 * [(("LPIPS", "imfuse"), ("SSIM", "imfuse"))] + 12 * [(("LPIPS", "imfuse"),)]


@pytest.mark.parametrize("part", ["runtime", "classical", "images", "lab/metrics/functional"])
def test_the_code_that_decides_a_value_counts(part):
    assert part in board._CODE


def test_what_has_changed_is_measured_again_and_nothing_else(run, measured, folder):
    run()
    measured.clear()
    write_image(folder / "grey" / "1.png", np.zeros((72, 96), np.uint8))
    run()
    assert [(task.scene.stem, [m.name for m, _ in task.pictures]) for task in measured] == [("1", ["grey"])]
    measured.clear()
    run(metrics=[*METRIC_NAMES, "EN"])
    assert {columns for task in measured for _, columns in task.pictures} == {(("EN", "imfuse"),)}
    assert sum(len(task.pictures) for task in measured) == 12


def test_content_counts_and_not_the_name_or_the_time_of_a_file(run, measured, folder):
    run()
    measured.clear()
    shutil.copytree(folder / "grey", folder / "copy")
    evaluation = run(fused={"another name": folder / "copy"})
    assert measured == []
    assert [method.name for method in evaluation.methods] == ["another name", "Average", "Maximum"]


def test_a_deleted_or_edited_fused_image_is_fused_again(run, folder):
    models = {"fast": "laplacian"}
    first = run(models=models)
    path = folder / "report" / "fused" / "fast"
    before = (path / "0.png").read_bytes()
    (path / "0.png").unlink()
    (path / "1.png").write_bytes(b"edited")
    kept = (path / "2.png").stat().st_mtime_ns
    second = run(models=models)
    assert (path / "0.png").read_bytes() == before
    assert (path / "2.png").stat().st_mtime_ns == kept
    np.testing.assert_array_equal(first.values, second.values)


def test_a_run_that_was_stopped_goes_on(run, measured, monkeypatch):
    def stopped(given, jobs):
        for number, found in enumerate(measure(given, jobs)):
            if number == 2:
                raise KeyboardInterrupt
            yield found

    watched = module.measure
    monkeypatch.setattr(module, "measure", stopped)
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.setattr(module, "measure", watched)
    evaluation = run()
    assert len(measured) == 1
    assert np.isfinite(evaluation.values).all()


def test_missing_images_are_nan_and_said_but_no_failure(run, folder):
    (folder / "grey" / "1.png").unlink()
    evaluation = run()
    assert np.argwhere(np.isnan(evaluation.values).all(axis=1)).tolist() == [[0, 1]]
    assert len(evaluation.problems) == 1
    assert "lacks 1 of 3 images: 1" in evaluation.problems[0]
    assert not has_failed(evaluation)


def test_what_cannot_be_read_is_nan_and_said_and_a_failure_every_time(run, folder):
    (folder / "grey" / "1.png").write_bytes(b"no picture")
    for _ in range(2):
        evaluation = run()
        assert np.argwhere(np.isnan(evaluation.values).all(axis=1)).tolist() == [[0, 1]]
        assert "1.png is not a" in evaluation.problems[0]
        assert has_failed(evaluation)


def test_a_source_that_cannot_be_read_is_said_once_for_all_methods_and_models(run, folder):
    (folder / "vis" / "1.jpg").write_bytes(b"no picture")
    evaluation = run(models={"fast": "laplacian", "mean": "average"})
    assert np.isnan(evaluation.values[:, :, 1]).all()
    assert np.isfinite(evaluation.values[:, :, [0, 2]]).all()
    assert len(evaluation.problems) == 1
    assert has_failed(evaluation)


def test_stretched_thermal_images_are_said(run, folder):
    for path in (folder / "ir").iterdir():
        write_image(path, read_image(path).pixels.astype(np.uint16) * 12 + 7000)
    for _ in range(2):  # of a cached value too
        (problem,) = run().problems
        assert problem.startswith("ir: grey 16-bit images")
        assert "3 of 3 scenes" in problem


def test_metrics_of_colour_say_nothing_of_grey_images_and_that_is_no_failure(run):
    evaluation = run(metrics=["hue error", "EN"])
    by_method = dict(zip([m.name for m in evaluation.methods], evaluation.values[:, 0], strict=True))
    assert by_method["colour"] == pytest.approx([0, 0, 0], abs=1e-6)
    assert np.isnan(by_method["grey"]).all()
    assert not has_failed(evaluation)
    assert evaluation.problems == (
        "hue error: only where the fused image and a source are in colour; left out: 9 images, of grey 3, Average 3, "
        "Maximum 3",
    )


def test_three_sources_are_measured_together(run, folder):
    evaluation = evaluate(
        [folder / "ir", folder / "vis", folder / "grey"], {"colour": folder / "colour"}, folder / "r", metrics=["CC"]
    )
    assert evaluation.source_names == ("ir", "vis", "grey")
    assert np.isfinite(evaluation.values).all()


def test_every_metric_measures_a_set(run):
    names = [name for name in METRICS if name != "LPIPS"]
    evaluation = run(metrics=names)
    grey = [i for i, name in enumerate(names) if METRICS[name].inputs != "colour"]
    assert not np.isnan(evaluation.values[:, grey]).any(), evaluation.problems


def test_progress_is_told_of_every_step(run):
    seen = {}

    @contextmanager
    def progress(label, total):
        seen[label] = [total, 0]

        def advance():
            seen[label][1] += 1

        yield advance

    run(models={"fast": "laplacian"}, progress=progress)
    assert seen == {"fusing by fast": [3, 3], "measuring": [3, 3]}


def test_values_of_a_published_method_are_those_of_an_independent_implementation(shared_data, tmp_path):
    golden = json.loads((shared_data.parent / "spec" / "metrics_golden.json").read_text())["values"]
    pairs = shared_data / "infrared" / "RoadScene" / "test"
    stems = sorted(golden)[:2]
    for place in (pairs / "ir", pairs / "vis", shared_data / "results" / "CDDFuse" / "RoadScene"):
        (tmp_path / place.name).mkdir()
        for path in place.iterdir():
            if path.stem in stems:
                shutil.copy(path, tmp_path / place.name)
    names = ["EN", "MI", "VIF", "Qabf", "SSIM"]
    evaluation = evaluate(
        [tmp_path / "ir", tmp_path / "vis"], {"CDDFuse": tmp_path / "RoadScene"}, tmp_path / "report", metrics=names
    )
    assert [scene.stem for scene in evaluation.scenes] == stems
    expected = [[golden[stem][name] for stem in stems] for name in names]
    np.testing.assert_allclose(evaluation.values[0], expected, rtol=1e-4)
