"""The comparison of joining blocks: one little set of crops, trained on for an epoch."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from imfuse.errors import EvaluationError
from imfuse.images.files import write_image

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
CLASSES = ("bicycle", "car", "person")
COUNTS = {"train": 24, "test": 12}


@pytest.fixture(autouse=True)
def _modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crops")
    generator = np.random.default_rng(0)
    for part, count in COUNTS.items():
        rows = ["stem,light,class,width,height"]
        for number in range(count):
            stem = f"day_thing_{number * 60:05d}_0"
            height, width = generator.integers(24, 40, 2)
            infrared = generator.integers(0, 256, (height, width), np.uint8)
            visible = generator.integers(0, 256, (height, width, 3), np.uint8)
            write_image(folder / part / "ir" / f"{stem}.png", infrared)
            write_image(folder / part / "vis" / f"{stem}.png", visible)
            light = "night" if number % 4 == 3 else "day"
            rows.append(f"{stem},{light},{CLASSES[number % 3]},{width},{height}")
        (folder / part / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command, within this process."""
    import feature_fusion

    def call(folder: Path, *options: str) -> int:
        monkeypatch.setattr(sys, "argv", ["feature_fusion.py", str(folder), *options])
        return feature_fusion.main()

    return call


def test_a_second_call_makes_only_the_runs_that_are_missing_and_prints_all(benchmark, template, tmp_path, capsys):
    output = tmp_path / "new" / "results.jsonl"
    options = ("--epochs", "1", "--batch", "8", "--rounds", "1", "--output", str(output), "--markdown", "--variants")
    assert benchmark(template, *options, "add", "--seeds", "1") == 0
    lines = output.read_bytes().splitlines(keepends=True)
    output.write_bytes(lines[0] + b'{"variant": "aff", "se')  # torn by a kill
    capsys.readouterr()

    assert benchmark(template, *options, "visible", "add", "--seeds", "2") == 0
    written = output.read_bytes().splitlines(keepends=True)
    assert written[0] == lines[0]
    records = [json.loads(line) for line in written[2:]]
    assert [(each["variant"], each["seed"]) for each in records] == [("visible", 0), ("visible", 1), ("add", 1)]
    assert all(0 <= each[name] <= 1 for each in records for name in ("accuracy", "day", "night", "balanced"))

    heading, _, visible, add = (line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines())
    assert heading[:3] == ["join", "seeds", "accuracy %"]
    assert add[:2] == ["add", "2"]
    assert visible[:2] == ["visible", "2"]
    assert len(heading) == len(add) == len(visible)
    assert add[-1] == "1.00"
    assert 0 < float(visible[-1]) < 1  # one stream of two


def test_an_interrupt_keeps_what_is_done_and_shows_it(benchmark, template, tmp_path, capsys, monkeypatch):
    import feature_fusion

    def interrupted(variant: str, *run: object, **options: object) -> dict[str, float]:
        if variant == "aff":
            raise KeyboardInterrupt
        shares = dict.fromkeys(("accuracy", "day", "night", "balanced"), 0.5)
        return {**shares, "parameters": 1, "macs": 1}

    monkeypatch.setattr(feature_fusion, "run", interrupted)
    output = tmp_path / "results.jsonl"
    options = ("--seeds", "2", "--output", str(output), "--markdown", "--variants", "add", "aff")
    assert benchmark(template, *options) == 130
    assert [json.loads(line)["variant"] for line in output.read_text().splitlines()] == ["add"]
    printed = capsys.readouterr()
    assert "|add|1|50.0|50.0|50.0|50.0|-|1|0.00|-|-|" in printed.out
    assert str(output) in printed.err


def test_runs_of_other_settings_are_not_taken(tmp_path):
    from _classification import Settings
    from feature_fusion import add_run, known_runs

    path = tmp_path / "results.jsonl"
    ours, other = (Settings(epochs, 64, 3e-3, 32, "test", "labels") for epochs in (8, 9))
    add_run(path, "add", 0, ours, {"accuracy": 0.5})
    add_run(path, "add", 0, other, {"accuracy": 0.6})
    assert known_runs(path, ours) == {("add", 0): {"accuracy": 0.5}}


def test_a_run_is_a_matter_of_its_seed(template):
    from _classification import Settings, run
    from _crops import read_crops

    crops = read_crops(template, 16)
    settings = Settings(1, 8, 3e-3, 16, "test", crops.fingerprint)
    results = [run("iaff", seed, settings, crops.train, crops.test) for seed in (0, 0, 1)]
    measured = [[each[name] for name in ("accuracy", "day", "night", "balanced")] for each in results]
    assert measured[0] == measured[1]
    assert results[0]["parameters"] == results[2]["parameters"]


def test_training_learns_what_one_modality_alone_shows(template):
    from _classification import Settings, fit, predict
    from _crops import read_crops
    from _two_streams import build_network

    crops = read_crops(template, 16).train
    crops.infrared[:] = crops.labels[:, None, None, None] / 2 - 0.5
    settings = Settings(20, 8, 1e-2, 16, "test", "")
    shares = {}
    for variant in ("late", "visible"):
        torch.manual_seed(0)
        network = build_network(variant, len(CLASSES))
        changed = crops[torch.arange(len(crops))]
        changed.visible[:] = 0
        fit(network, changed, settings, 0, lambda: None)
        shares[variant] = (predict(network.eval(), changed) == changed.labels).double().mean().item()
    assert shares["late"] == 1
    assert shares["visible"] == pytest.approx(1 / 3)


def test_every_variant_gives_logits_and_all_of_a_seed_begin_with_the_same_streams():
    from _two_streams import VARIANTS, JoinedStreams, build_network

    infrared, visible = torch.rand(2, 1, 32, 32), torch.rand(2, 3, 32, 32)
    states = []
    for variant in VARIANTS:
        torch.manual_seed(0)
        network = build_network(variant, 3)
        assert network(infrared, visible).shape == (2, 3)
        if isinstance(network, JoinedStreams):
            states.append({k: v for k, v in network.eval().state_dict().items() if "joins" not in k})
    for state in states[1:]:
        assert state.keys() == states[0].keys()
        assert all(torch.equal(state[key], states[0][key]) for key in state if "running" not in key)


def test_a_single_modality_does_not_look_at_the_other():
    from _two_streams import build_network

    images = {"infrared": torch.rand(1, 1, 32, 32), "visible": torch.rand(1, 3, 32, 32)}
    for modality, other in (("infrared", "visible"), ("visible", "infrared")):
        network = build_network(modality, 3).eval()
        changed = {**images, other: torch.zeros_like(images[other])}
        assert torch.equal(network(*images.values()), network(*changed.values()))


def test_crops_are_mirrored_and_shifted_with_their_border_replicated():
    from _crops import augment

    image = torch.arange(9.0).reshape(1, 1, 3, 3)
    still, mirrored, shifted = (
        augment(image, torch.tensor([flipped]), torch.tensor([shift]))[0, 0].tolist()
        for flipped, shift in ((False, [0, 0]), (True, [0, 0]), (False, [1, -1]))
    )
    assert still == image[0, 0].tolist()
    assert mirrored == [[2, 1, 0], [5, 4, 3], [8, 7, 6]]
    assert shifted == [[3, 3, 4], [6, 6, 7], [6, 6, 7]]


def test_neighbouring_frames_are_never_on_both_sides_of_the_hold_out(template):
    from _crops import hold_out, read_crops

    train, held = hold_out(read_crops(template, 8).train)
    assert len(train) + len(held) == COUNTS["train"]
    assert len(held) > 0
    assert not set((train.frames // 100).tolist()) & set((held.frames // 100).tolist())


def test_accuracies_are_as_counted_by_hand():
    from _classification import accuracies
    from _crops import Crops

    labels = torch.tensor([0, 0, 0, 1, 2])
    night = torch.tensor([False, False, True, True, True])
    crops = Crops(torch.zeros(5, 1, 4, 4), torch.zeros(5, 3, 4, 4), labels, night, torch.arange(5))
    found = accuracies(torch.tensor([0, 1, 0, 1, 0]), crops, 3)
    assert found == pytest.approx({"accuracy": 3 / 5, "day": 1 / 2, "night": 2 / 3, "balanced": (2 / 3 + 1 + 0) / 3})


def test_intervals_are_students_and_differences_are_within_seeds():
    from _over_seeds import estimate, less_baseline

    mean, half_width = estimate([0.1, 0.2, 0.3])
    assert mean == pytest.approx(0.2)
    assert half_width == pytest.approx(4.302653 * 0.1 / math.sqrt(3))  # 4.302653: the quantile in any table
    runs = {("add", seed): {"accuracy": value} for seed, value in enumerate((0.5, 0.7, 0.9))}
    runs |= {("aff", seed): {"accuracy": value} for seed, value in enumerate((0.6, 0.8))}
    assert less_baseline(runs, "aff") == pytest.approx((0.1, 0))  # the third seed is not shared
    assert less_baseline(runs, "add") is None
    assert estimate([0.5]).in_percent() == "50.0"


def test_variants_take_turns_and_ratios_are_within_rounds(template, monkeypatch):
    import _crop_times
    from _crops import read_crops

    kinds, ticks = [], iter((1.0, 3.0, 1.0, 3.0, 20.0, 10.0, 1.0, 3.0))  # the second round of three is slow
    monkeypatch.setattr(_crop_times, "_milliseconds", lambda network, _: kinds.append(type(network)) or next(ticks))
    times = _crop_times.crop_times(["add", "late"], read_crops(template, 16).train, 3, 3)
    joined, late = kinds[:2]
    assert kinds[2:] == [joined, late, late, joined, joined, late]
    assert times == {"add": [1, 10, 1], "late": [3, 20, 3]}
    assert _crop_times.ratio(times, "late", "add") == 3


def test_a_row_holds_intervals_differences_and_ratios_and_what_older_journals_timed_is_ignored():
    from _over_seeds import HEADINGS, table_rows

    def record(share: float) -> dict[str, float]:
        shares = dict.fromkeys(("accuracy", "day", "night", "balanced"), share)
        return {**shares, "parameters": 1234, "macs": 5e6, "crop_ms": 99.0, "training_seconds": 99.0}

    runs = {("add", 0): record(0.5), ("add", 1): record(0.7), ("aff", 0): record(0.52), ("aff", 1): record(0.72)}
    add, aff = table_rows(runs, ["add", "aff"], {"add": [1.0, 2.0, 1.0], "aff": [1.5, 3.0, 9.0]})
    spread = " ± 127.1"  # half of the distance 0.2, by the quantile 12.706 of one degree of freedom
    assert add == ["add", "2", *(f"60.0{spread}",) * 4, "-", "1,234", "5.00", "1.00", "1.00"]
    assert aff == ["aff", "2", *(f"62.0{spread}",) * 4, "+2.0 ± 0.0", "1,234", "5.00", "3.00", "1.50"]
    assert len(add) == len(HEADINGS)


def test_a_folder_that_is_none_of_crops_is_an_error_that_says_what_was_expected(benchmark, tmp_path, capsys):
    assert benchmark(tmp_path, "--output", str(tmp_path / "results.jsonl")) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path / 'train' / 'labels.csv'}")
    assert "expected train/ and test/" in error
    assert not (tmp_path / "results.jsonl").exists()


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("day_car_00001_0,dusk,car", "'dusk'"),
        ("day_car_00001_0,day,tram", "'tram'"),
        ("day_car,day,car", "names no frame"),
        ("day_car_00001_0,day,car", "has no picture day_car_00001_0"),
    ],
)
def test_a_bad_row_of_labels_is_named(template, tmp_path, row, named):
    from _crops import read_crops

    for part in COUNTS:
        (tmp_path / part / "ir").mkdir(parents=True)
    (tmp_path / "train" / "labels.csv").write_text("stem,light,class\nday_car_00002_0,day,car\n")
    infrared = template / "train" / "ir" / "day_thing_00000_0.png"
    for place in ("ir", "vis"):
        target = tmp_path / "train" / place / "day_car_00002_0.png"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(infrared.read_bytes())
    (tmp_path / "test" / "labels.csv").write_text(f"stem,light,class\n{row}\n")
    with pytest.raises(EvaluationError, match=named):
        read_crops(tmp_path, 8)
