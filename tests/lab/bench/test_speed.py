"""Speed tables: which rows there are, that they were measured, and that others agree on what cannot be timed."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import pytest
import torch

from imfuse.errors import EvaluationError, ModelError
from imfuse.lab.bench.speed.child import Job, time_job
from imfuse.lab.bench.speed.energy import EnergyMeter
from imfuse.lab.bench.speed.measure import measure_speed, speed_jobs
from imfuse.lab.bench.speed.table import comma_separated, markdown, records
from imfuse.lab.bench.timings import SpeedRow, SpeedTable
from imfuse.lab.training.weights import load_network
from imfuse.runtime.card import ModelCard
from imfuse.runtime.models import ZOO, bundled_models


@pytest.fixture(scope="module")
def table() -> SpeedTable:
    return measure_speed(["ivif", "average"], sizes=[(96, 64)], engines=["onnxruntime"], repeat=3, yardstick=False)


def test_every_combination_has_a_row_and_classical_methods_have_one_engine():
    jobs = speed_jobs(
        ["ivif", "average"], sizes=[(64, 48), (96, 64)], engines=["onnxruntime", "torch"], threads=[1, 2], repeat=1
    )
    assert len(jobs) == 2 * (2 * 2 + 2)
    assert {job.engine for job in jobs if job.model == "average"} == {"opencv"}


def test_a_row_holds_what_was_measured(table):
    network, classical = table.rows
    card = ModelCard.read(ZOO / "ivif")
    assert (network.model, network.engine, classical.engine) == ("ivif", "onnxruntime", "opencv")
    assert 0 < network.low <= network.milliseconds <= network.high
    assert network.fps == pytest.approx(1e3 / network.milliseconds)
    assert network.parameters == card.parameters
    assert network.macs == card.macs_per_pixel * 96 * 64
    assert classical.parameters == 0
    assert math.isnan(classical.macs)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the system does not tell")
def test_a_process_of_its_own_has_a_memory_of_its_own(table):
    assert all(20 < row.megabytes < 400 for row in table.rows)


def test_the_yardstick_is_a_unit(table):
    assert all(math.isnan(row.yardsticks) for row in table.rows)
    measured = measure_speed(["average"], sizes=[(32, 32)], repeat=1)
    row = measured.rows[0]
    assert row.yardsticks == pytest.approx(row.milliseconds / measured.yardstick)


def test_an_unknown_model_is_refused():
    with pytest.raises(ModelError, match="no model 'ivf'"):
        measure_speed(["ivf"], yardstick=False)


def test_what_cannot_be_timed_is_named(tmp_path):
    (tmp_path / "card.json").write_text((ZOO / "ivif" / "card.json").read_text())
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(EvaluationError, match=r"on onnxruntime, 32x32, 1 threads: it cannot be timed .*SHA-256"):
        measure_speed([str(tmp_path)], sizes=[(32, 32)], repeat=1, yardstick=False)


@pytest.mark.parametrize("name", bundled_models())
def test_the_network_of_every_bundled_model_gives_what_its_graph_gives(name):
    from imfuse import Fuser

    card = ModelCard.read(ZOO / name)
    side = card.size_multiple
    sources = torch.rand(2, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = load_network(name)(sources[None])[0, 0]
    torch.testing.assert_close(
        torch.from_numpy(Fuser.load(name, threads=1).engine.run(sources.numpy())), expected, atol=2e-4, rtol=0
    )


def test_a_model_without_its_recipe_or_weights_says_so(tmp_path):
    (tmp_path / "card.json").write_text((ZOO / "ivif" / "card.json").read_text().replace("ivif.yaml", "lost.yaml"))
    with pytest.raises(ModelError, match=r"cannot be built from lost\.yaml"):
        load_network(tmp_path)
    (tmp_path / "card.json").write_text((ZOO / "ivif" / "card.json").read_text())
    with pytest.raises(ModelError, match=r"model\.safetensors: not the weights of ivif\.yaml"):
        load_network(tmp_path)


def test_torch_can_be_the_engine(tmp_path):
    import numpy as np

    path = tmp_path / "sources.npz"
    np.savez(path, grey=np.zeros((32, 32), np.uint8), colour=np.zeros((32, 32, 3), np.uint8))
    threads = torch.get_num_threads()
    timing = time_job(Job("ivif", "torch", 32, 32, 1, 2, str(path)))
    torch.set_num_threads(threads)
    assert len(timing.seconds) == 2
    assert min(timing.seconds) > 0


@pytest.fixture
def one_row() -> SpeedTable:
    row = SpeedRow("ivif", "torch", 640, 480, 1, 12.5, 12.0, 13.0, 0.065, 115.0, 286055, 4.73e8, math.nan)
    return SpeedTable("a machine", 193.0, (row,))


def test_markdown_shows_a_dash_for_what_was_not_measured(one_row):
    assert "|ivif|torch|640x480|1|12.5|12.0-13.0|80|0.065|115|286,055|0.47|-|" in markdown(one_row).splitlines()


def test_csv_and_json_leave_it_empty(one_row):
    row = next(csv.DictReader(io.StringIO(comma_separated(one_row))))
    assert (row["model"], float(row["milliseconds"]), row["joules"]) == ("ivif", 12.5, "")
    assert records(one_row)["rows"][0]["joules"] is None


def _zone(folder: Path, name: str, microjoules: int) -> Path:
    folder.mkdir()
    for file, text in {"name": name, "max_energy_range_uj": 9999999, "energy_uj": microjoules}.items():
        (folder / file).write_text(f"{text}\n")
    return folder / "energy_uj"


def test_energy_is_that_of_the_packages_alone_and_survives_the_wrap_of_the_counters(tmp_path):
    package = _zone(tmp_path / "intel-rapl:0", "package-0", 9000000)
    parts = [_zone(tmp_path / "intel-rapl:0:0", "core", 0), _zone(tmp_path / "intel-rapl:1", "psys", 0)]
    meter = EnergyMeter(tmp_path)
    meter.start()
    for counter in (package, *parts):
        counter.write_text("500000\n")
    assert meter.joules() == pytest.approx(1.5)
