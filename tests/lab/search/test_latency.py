"""Latency tables: what they measure, add up and keep, on images so small that the order is all that counts."""

from __future__ import annotations

import pickle

import pytest
import torch

from imfuse.errors import SearchError
from imfuse.lab.models.searched import SearchedFusion
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.search import latency
from imfuse.lab.search.engines import open_engines, target_threads
from imfuse.lab.search.latency import LatencyTable, measure_call, measure_network
from imfuse.lab.search.parts import parts
from imfuse.lab.search.space import Space
from imfuse.lab.search.target import Target
from imfuse.lab.search.terms import space_parts

TARGET = Target("torch", threads=1, height=64, width=64)
BY_COST = [Genotype.parse(text) for text in ("x4 w8 direct", "x1 w16 direct csc(conv_3)", "x1 w48 blend cms(dense_5)")]
SPACE = Space(("csc",), ("res_3", "conv_3"), 1, cells=(1,), widths=(8, 16))


@pytest.fixture
def table(tmp_path) -> LatencyTable:
    return LatencyTable(TARGET, tmp_path / "times.json")


@pytest.fixture
def counted(monkeypatch) -> list[int]:
    """How many parts each measurement was asked for; nothing is measured, each part takes its width in ms."""
    asked = []

    def pretend(wanted, _target):
        asked.append(len(wanted))
        return ((part, float(part.width)) for part in wanted)

    monkeypatch.setattr(latency, "measure_parts", pretend)
    return asked


def test_networks_of_very_different_cost_are_predicted_in_their_order(table):
    predicted = [table.predict(genotype) for genotype in BY_COST]
    measured = [measure_network(SearchedFusion(genotype), TARGET) for genotype in BY_COST]
    assert predicted == sorted(predicted)
    assert measured == sorted(measured)


def test_onnx_runtime_predicts_their_order_too(tmp_path):
    target = Target("onnx", threads=1, height=64, width=64)
    table = LatencyTable(target, tmp_path / "times.json")
    cheap, dear = BY_COST[0], BY_COST[1]
    table.measure([*parts(cheap), *parts(dear)])
    assert 0 < table.predict(cheap) < table.predict(dear)
    assert measure_call(SearchedFusion(dear), target) > table.predict(cheap)


def test_a_prediction_is_the_sum_over_the_parts(table, counted):
    genotype = Genotype.parse("x1 w8 direct cms(res_3)")
    assert table.predict(genotype) == sum(part.width for part in parts(genotype))
    assert table.predict(HAFGenotype.parse("w8 ffm target detail")) == 8 * 5
    assert counted[0] == 7


def test_what_was_measured_once_is_not_measured_again(table, counted):
    genotype = BY_COST[1]
    first = table.predict(genotype)
    again = LatencyTable(TARGET, table.cache.path)
    assert again.predict(genotype) == first
    assert sum(counted) == len(parts(genotype))


def test_a_table_can_be_sent_to_other_processes(table, counted):
    first = table.predict(BY_COST[1])
    assert pickle.loads(pickle.dumps(table)).predict(BY_COST[1]) == first
    assert sum(counted) == len(parts(BY_COST[1]))


def test_measuring_a_whole_space_reports_every_part(table, counted):
    advanced: list[None] = []
    table.milliseconds(space_parts(SPACE)[0])
    count = table.missing(SPACE)
    table.measure_all(SPACE, lambda: advanced.append(None))
    assert len(advanced) == count == len(space_parts(SPACE)) - 1
    assert table.missing(SPACE) == 0
    table.measure_all(SPACE)
    assert sum(counted) == count + 1


def test_a_call_takes_the_network_and_the_fuser(table):
    overhead = table.fuser_overhead()
    assert overhead > 0
    assert table.fuser_overhead() == LatencyTable(TARGET, table.cache.path).fuser_overhead() == overhead
    assert table.predict_call(BY_COST[0]) == table.predict(BY_COST[0]) + overhead
    network = SearchedFusion(BY_COST[2])
    assert measure_call(network, TARGET) > table.predict_call(BY_COST[0])


def test_a_measured_network_stays_as_it_was():
    network = SearchedFusion(BY_COST[0]).train()
    measure_network(network, TARGET)
    assert network.training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_threads_are_those_of_the_target_for_a_while():
    before = torch.get_num_threads()
    with target_threads(Target(threads=before + 1)):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize(("engine", "text"), [("torch", "PyTorch finds no CUDA device"), ("onnx", "has no CUDA")])
def test_a_device_that_is_not_there_is_named(tmp_path, engine, text):
    target = Target(engine, "cuda", height=32, width=32)
    with pytest.raises(SearchError, match=text):
        LatencyTable(target, tmp_path / "times.json").predict(BY_COST[0])
    with pytest.raises(SearchError, match=text):
        next(open_engines([SearchedFusion(BY_COST[0])], target, 32, 32))
