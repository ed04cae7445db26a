"""`imfuse eval`: the files of the report, what it says, its exit status, and what a second run does again."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from jsonargparse import ArgumentParser

from imfuse.cli import main
from imfuse.cli._eval_request import read_request
from imfuse.cli.eval import add_arguments
from imfuse.errors import EvaluationError
from imfuse.images.files import read_image, write_image
from imfuse.lab.bench.evaluate import evaluate
from imfuse.lab.bench.measuring import hashing
from imfuse.lab.bench.measuring.store import opened
from imfuse.scenes import simulate

FILES = {"report.html", "metrics.csv", "summary.json", "table.tex", "table.md"}
WORDS = ["--sources", "ir", "vis", "--fused", "mine=fused", "--model", "laplacian", "-o", "report"]
METRICS = ["--metrics", "VIF", "SSIM", "-j", "1"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    for number in range(3):
        scene = simulate(72, 96, seed=number)
        write_image(folder / "ir" / f"{number}.png", scene.infrared)
        write_image(folder / "vis" / f"{number}.png", scene.visible)
        write_image(folder / "fused" / f"{number}.png", scene.infrared // 2 + 40)
    return folder


@pytest.fixture(scope="module")
def done(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sources, fused images and the report on them, to be read and not changed."""
    folder = Path(shutil.copytree(template, tmp_path_factory.mktemp("done") / "set"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["eval", *WORDS, *METRICS, "--quiet"]) == 0
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh copy of the sources and the fused images, as the current folder."""
    copy = Path(shutil.copytree(template, tmp_path / "set"))
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def again(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh copy with its report, as the current folder."""
    copy = Path(shutil.copytree(done, tmp_path / "set"))
    monkeypatch.chdir(copy)
    return copy


def test_a_report_has_a_page_values_statistics_and_tables(done):
    assert {path.name for path in (done / "report").iterdir() if path.name[0] != "."} == FILES | {"fused"}
    page = (done / "report" / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in ("mine", "laplacian", "Average", "Maximum", "VIF", "SSIM"))
    assert "laplacian" in (done / "report" / "table.md").read_text(encoding="utf-8")
    assert r"\toprule" in (done / "report" / "table.tex").read_text(encoding="utf-8")


def test_the_values_are_those_of_the_api(done, tmp_path):
    with (done / "report" / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["stem", "method", "metric", "convention", "value"]
    evaluation = evaluate([done / "ir", done / "vis"], {"mine": done / "fused"}, tmp_path, metrics=["VIF", "SSIM"])
    expected = {
        (scene.stem, method.name, metric): evaluation.values[m, k, s]
        for m, method in enumerate(evaluation.methods)
        for k, metric in enumerate(evaluation.metrics)
        for s, scene in enumerate(evaluation.scenes)
    }
    found = {(row["stem"], row["method"], row["metric"]): float(row["value"]) for row in rows}
    assert len(found) == 3 * 4 * 2
    assert expected == {key: found[key] for key in expected}


def test_the_fused_images_of_a_model_are_beside_the_report(done):
    fused = done / "report" / "fused" / "laplacian"
    assert sorted(path.name for path in fused.iterdir()) == ["0.png", "1.png", "2.png"]
    assert read_image(fused / "1.png").pixels.shape == (72, 96, 3)


def test_the_summary_names_methods_metrics_and_times(done):
    summary = json.loads((done / "report" / "summary.json").read_text(encoding="utf-8"))
    assert [method["name"] for method in summary["methods"]] == ["mine", "laplacian", "Average", "Maximum"]
    assert [metric["name"] for metric in summary["metrics"]] == ["VIF", "SSIM"]
    assert summary["methods"][1]["milliseconds"] > 0
    assert summary["problems"] == []


def test_help_names_every_option_and_imports_nothing_heavy(folder):
    code = "import sys; from imfuse.cli import main; main(['eval', '--help']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert all(option in done.stdout for option in ("--sources", "--fused", "--model", "--metrics", "--detector"))
    assert done.stdout.splitlines()[-1] == "False"


def test_the_terminal_shows_the_table_and_where_the_report_lies(again, imfuse, capsys):
    assert imfuse("eval", *WORDS, *METRICS) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert re.split(r"\s{2,}", lines[0].strip()) == ["method", "mean rank", "VIF", "SSIM", "ms"]
    assert {line.split()[0] for line in lines[2:6]} == {"mine", "laplacian", "Average", "Maximum"}
    assert "report/report.html (3 scenes)" in lines[-1]
    assert err == ""


def test_a_terminal_that_is_too_narrow_shows_what_fits(again, imfuse, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "24")
    assert imfuse("eval", *WORDS, *METRICS) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines()[:6])) <= 24
    assert "VIF, SSIM, ms: in report/table.md" in " ".join(out.split())


def test_json_prints_the_summary_and_quiet_prints_nothing(again, imfuse, capsys):
    assert imfuse("eval", *WORDS, *METRICS, "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(Path("report/summary.json").read_text(encoding="utf-8"))
    assert imfuse("eval", *WORDS, *METRICS, "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_a_second_run_neither_writes_nor_imports_what_measures(again):
    def times():
        files = (path for path in again.rglob("*") if path.is_file() and path.name != "hashes.json")
        return {path: path.stat().st_mtime_ns for path in files}

    before = times()
    code = f"""
import sys
from imfuse.cli import main
assert main(["eval", *{[*WORDS, *METRICS]!r}]) == 0
print([name for name in ("torch", "scipy", "matplotlib", "onnxruntime", "jinja2") if name in sys.modules])"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=again, capture_output=True, text=True, timeout=60, check=True
    )
    assert "laplacian" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
    assert before == times()


def test_a_second_run_does_not_read_the_pictures_again(again, imfuse, monkeypatch):
    for path in again.rglob("*"):
        os.utime(path, (10**9, 10**9))
    assert imfuse("eval", *WORDS, *METRICS, "--quiet") == 0
    monkeypatch.setattr(hashing, "file_sha256", lambda path: pytest.fail(f"{path} is read"))
    assert imfuse("eval", *WORDS, *METRICS, "--quiet") == 0


def test_other_runs_are_kept_out_until_the_report_is_written(folder, imfuse, capsys, monkeypatch):
    pytest.importorskip("fcntl")
    from imfuse.lab.bench import report as module

    write = module.write_report

    def watched(*given):
        with pytest.raises(EvaluationError, match="another imfuse is at work"), opened(Path("report")):
            pass
        return write(*given)

    monkeypatch.setattr(module, "write_report", watched)
    assert imfuse("eval", *WORDS, *METRICS, "--quiet") == 0
    with opened(Path("report")):
        pass


def test_weights_that_appear_make_the_report_anew(folder, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
    words = ["--sources", "ir", "vis", "--metrics", "all", "--segmenter", "fcn_resnet50", "--masks", "fused", "-o", "r"]
    parser = ArgumentParser()
    add_arguments(parser)
    request = read_request(parser.parse_args(words))
    checkpoints = Path(torch.hub.get_dir()) / "checkpoints"
    weights = {checkpoints / "alexnet-owt-7be5be79.pth", checkpoints / "fcn_resnet50_coco-1167a1af.pth"}
    assert not weights & set(request.places())
    checkpoints.mkdir(parents=True)
    for path in (*weights, checkpoints / "another-00000000.pth"):
        path.write_text("weights")
    assert {path for path in request.places() if path.suffix == ".pth"} == weights


def test_a_new_method_keeps_the_measured_values_of_the_others(again, imfuse, capsys):
    write_image(again / "theirs" / "0.png", read_image(again / "vis" / "0.png").pixels)
    before = Path("report/.cache/cache.jsonl").read_bytes()
    assert imfuse("eval", *WORDS, *METRICS, "--fused", "mine=fused", "theirs") == 0
    after = Path("report/.cache/cache.jsonl").read_bytes()
    assert after.startswith(before)
    assert after[len(before) :].count(b"\n") == 1
    assert "theirs: theirs lacks 2 of 3 images: 1, 2" in capsys.readouterr().err


def test_missing_images_are_listed_and_no_failure(folder, imfuse, capsys):
    (folder / "fused" / "1.png").unlink()
    (folder / "vis" / "2.png").unlink()
    write_image(folder / "fused" / "stray.png", np.zeros((2, 2), np.uint8))
    assert imfuse("eval", *WORDS, *METRICS) == 0
    err = capsys.readouterr().err
    assert "ir: left out for want of a file of the same name in every source: 2.png" in err
    assert "mine: fused lacks 1 of 2 images: 1" in err
    assert "mine: 2 images in fused without a scene left out: 2.png, stray.png" in err


def test_damaged_and_misshapen_images_are_listed_and_give_status_1_every_time(folder, imfuse, capsys):
    data = (folder / "fused" / "1.png").read_bytes()
    (folder / "fused" / "1.png").write_bytes(data[: len(data) // 2])
    write_image(folder / "fused" / "2.png", np.zeros((9, 10), np.uint8))
    for _ in range(2):
        assert imfuse("eval", *WORDS, *METRICS) == 1
        out, err = capsys.readouterr()
        assert "fused/1.png is truncated" in err
        assert "fused/2.png is 10 x 9, and its sources are 96 x 72" in err
        assert "report/report.html" in out
    assert {path.name for path in Path("report").iterdir()} >= FILES


def test_one_scene_is_enough(folder, imfuse, capsys):
    for number in (1, 2):
        (folder / "ir" / f"{number}.png").unlink()
        (folder / "vis" / f"{number}.png").unlink()
        (folder / "fused" / f"{number}.png").unlink()
    assert imfuse("eval", *WORDS, *METRICS) == 0
    assert "(1 scene)" in capsys.readouterr().out


def test_names_that_are_not_ascii_or_not_utf_8_are_measured(folder, imfuse):
    for place in ("ir", "vis", "fused"):
        (folder / place / "0.png").rename(folder / place / "Straße <1> & \udcfc.png")
    assert imfuse("eval", *WORDS, *METRICS, "--title", "Größe <b>", "--quiet") == 0
    assert "Straße <1> & \\udcfc" in Path("report/metrics.csv").read_text(encoding="utf-8")


def test_the_wrong_order_of_the_sources_is_warned_of(folder, imfuse, capsys):
    assert imfuse("eval", "--sources", "vis", "ir", "--model", "ivif", *METRICS, "-o", "report", "--quiet") == 0
    assert "ivif: vis is taken for infrared and looks like visible" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sources", "ir", "-o", "r"], "--sources ir: one folder"),
        (["--sources", "ir", "vis"], "no output given"),
        (["--sources", "ir", "vis", "-o", "ir"], "never overwritten"),
        (["--sources", "ir", "vis", "-o", "fused", "--fused", "fused"], "never overwritten"),
        (["--sources", "ir", "vis", "-o", "ir/0.png"], "a report needs a folder"),
        (["--sources", "ir", "vis", "-o", "r", "--fused", "fused", "fused=vis"], "two methods are called fused"),
        (["--sources", "ir", "vis", "-o", "r", "--fused", "ivif=fused", "--model", "ivif"], "two methods are called"),
        (["--sources", "ir", "vis", "-o", "r", "--fused", "Maximum=fused"], "added to every table by itself"),
        (["--sources", "ir", "vis", "-o", "r", "--fused", "=fused"], "expected NAME=VALUE"),
        (["--sources", "ir", "vis", "-o", "r", "--model", "nope"], "--model nope: no model 'nope'"),
        (["--sources", "ir", "vis", "-o", "r", "--metrics", "viif"], "did you mean 'VIF'?"),
        (["--sources", "ir", "vis", "-o", "r", "--convention", "MI"], "expected NAME=VALUE"),
        (["--sources", "ir", "vis", "-o", "r", "--convention", "MI=bits"], "expected one of imfuse, nats"),
        (["--sources", "ir", "vis", "-o", "r", "--rank", "MI", "--metrics", "EN"], "'MI', which is not measured"),
        (["--sources", "ir", "vis", "-o", "r", "--speed"], "--speed measures the models of --model"),
        (["--sources", "ir", "vis", "-o", "r", "--boxes", "ir"], "--detector is not given"),
        (["--sources", "ir", "vis", "-o", "r", "--segmenter", "x.onnx"], "--masks is not given"),
        (["--sources", "ir", "vis", "-o", "r", "--segmenter", "x", "--masks", "y"], "--masks y: no such folder"),
        (["--sources", "ir", "vis", "-o", "r", "--detector", "x", "--boxes", "ir"], "--detector x: no such file"),
        (["--sources", "ir", "vis", "-o", "r", "--box-classes", "person"], "--boxes, which is not given"),
        (["--sources", "ir", "vis", "-o", "r", "--mask-classes", "person"], "--masks, which is not given"),
        (["--sources", "ir", "vis", "-o", "r", "--detector-classes", "x"], "--detector, which is not given"),
        (["--sources", "ir", "vis", "-o", "r", "--segmenter-classes", "x"], "--segmenter, which is not given"),
        (
            ["--sources", "ir", "vis", "-o", "r", "--masks", "ir", "--segmenter", "fcn", "--segmenter-classes", "x"],
            "--segmenter fcn is none",
        ),
        (["--sources", "ir", "vis", "-o", "r", "--model", "a:b=laplacian"], "'a:b' holds :"),
        (["--sources", "ir", "vis", "-o", "r", "-j", "0"], "--jobs 0"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(folder, imfuse, capsys, words, said):
    assert imfuse("eval", *words) == 2
    assert said in capsys.readouterr().err
    assert not Path("r").exists()


def test_metrics_are_named_in_any_case(folder, imfuse):
    words = ["--metrics", "ssim", "mi", "QABF", "--rank", "Ssim", "--convention", "mi=nats", "-j", "1"]
    assert imfuse("eval", *WORDS, *words, "--quiet") == 0
    record = json.loads(Path("report/summary.json").read_text(encoding="utf-8"))
    assert [metric["name"] for metric in record["metrics"]] == ["SSIM", "MI", "Qabf"]


def test_all_says_once_that_lpips_is_left_out_and_which_file_it_lacks(folder, imfuse, capsys, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(folder / "empty"))
    for path in (path for name in ("ir", "vis", "fused") for path in (folder / name).glob("[12].png")):
        path.unlink()
    assert imfuse("eval", *WORDS[:5], "-o", "report", "--metrics", "ALL", "-j", "1", "--quiet") == 0
    err = " ".join(capsys.readouterr().err.split())
    assert err.count("LPIPS") == 1
    assert "alexnet-owt-7be5be79.pth" in err


def test_sources_of_other_names_are_told_what_helps_here(folder, imfuse, capsys):
    for path in (folder / "ir").iterdir():
        path.rename(path.with_name(f"{path.stem}_ir.png"))
    assert imfuse("eval", *WORDS) == 1
    err = " ".join(capsys.readouterr().err.split())
    assert "rename them" in err
    assert "pattern" not in err


def test_fused_images_of_other_names_are_an_error_with_examples_of_both(folder, imfuse, capsys):
    for path in (folder / "fused").iterdir():
        path.rename(path.with_name(f"result_{path.name}"))
    assert imfuse("eval", *WORDS) == 1
    err = capsys.readouterr().err
    assert "result_0.png" in err
    assert "the scenes are 0, 1, 2" in err


def test_a_report_folder_that_cannot_be_written_to_is_an_error_before_the_work(folder, imfuse, capsys):
    (folder / "report").mkdir()
    (folder / "report" / ".cache").write_text("a file where a folder must be")
    assert imfuse("eval", *WORDS) == 1
    assert "report: cannot be written to" in capsys.readouterr().err
    assert not (folder / "report" / "fused").exists()


def _many(folder: Path) -> list[str]:
    for place in ("ir", "vis"):
        (folder / place / "0.png").unlink()
        for number in range(40):
            noise = np.random.default_rng(number).integers(0, 256, (200, 200), np.uint8)
            write_image(folder / place / f"{number}.png", noise)
    return [sys.executable, "-m", "imfuse", "eval", "--sources", "ir", "vis", "-o", "report", "--quiet", "-j", "2"]


def _wait_for_values(folder: Path, count: int) -> None:
    cache, deadline = folder / "report" / ".cache" / "cache.jsonl", time.monotonic() + 120
    while not (cache.is_file() and cache.read_bytes().count(b"\n") >= count) and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX")
def test_after_kill_9_the_same_command_goes_on(folder, imfuse):
    command = _many(folder)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _wait_for_values(folder, 5)
    process.kill()
    process.wait()
    cache = Path("report/.cache/cache.jsonl")
    whole = cache.read_bytes()
    assert 5 <= whole.count(b"\n") < 80
    assert not Path("report/report.html").exists()
    cache.write_bytes(whole + b'["torn')
    assert imfuse(*command[3:]) == 0
    assert cache.read_bytes().startswith(whole)
    assert cache.read_bytes().count(b"\n") == 80 + 1
    with Path("report/metrics.csv").open(encoding="utf-8") as file:
        assert all(row["value"] for row in csv.DictReader(file))


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or sys.platform == "win32", reason="POSIX signals")
def test_an_interrupt_keeps_what_is_measured_and_says_how_to_go_on(folder):
    process = subprocess.Popen(_many(folder), stderr=subprocess.PIPE, text=True, start_new_session=True)
    _wait_for_values(folder, 5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the workers too
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.strip() == "imfuse: interrupted: what is measured is kept; the same command goes on from there"
    assert Path("report/.cache/cache.jsonl").read_bytes().count(b"\n") >= 5
