"""Times of parts: measured once for a search, kept with it, and asked of it."""

from __future__ import annotations

import json

import pytest
import torch
from lightning_fabric import Fabric

from imfuse.errors import SearchError
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.search import latency
from imfuse.lab.search.record import TIMES
from imfuse.lab.search.terms import space_parts
from imfuse.lab.search.times import search_times

CPU = Fabric(accelerator="cpu", devices=1)


@pytest.fixture
def measured(monkeypatch) -> list[int]:
    """How many parts each measurement was asked for; each takes its width in ms."""
    asked = []

    def parts(wanted, _target):
        asked.append(len(wanted))
        return ((part, float(part.width)) for part in wanted)

    monkeypatch.setattr(latency, "measure_parts", parts)
    monkeypatch.setattr(latency, "measure_overhead", lambda _target: 2.5)
    return asked


def test_a_network_takes_the_sum_of_its_parts_and_a_call_the_fuser_too(tiny, pretend, tmp_path):
    times = search_times(tiny, pretend(tmp_path), CPU)
    genotype = Genotype.parse("x1 w4 blend cdc(dil_3)")
    # Two copies of the operator; the call of the engine, stem, frame of the cell and head take 0.1 each.
    assert times.network_ms(genotype) == pytest.approx(6.4)
    assert times.call_ms(genotype) == pytest.approx(7.4)
    certain = {"width": [0.0, 1.0], "cell1.kind": [0.0, 1.0], "cell1.csc.op1": [1.0, 0.0], "cell1.cdc.op1": [0.0, 1.0]}
    assert float(times.expected({name: torch.tensor(p) for name, p in certain.items()})) == pytest.approx(6.4)


def test_what_was_measured_stays_with_the_search_and_in_the_users_cache(tiny, tmp_path, measured, capsys):
    folder, cache = tmp_path / "run", tmp_path / "cache.json"
    folder.mkdir()
    first = search_times(tiny, folder, CPU, cache)
    count = len(space_parts(tiny.space))
    assert (sum(measured), first.overhead_ms) == (count, 2.5)
    assert f"measuring {count} operators" in capsys.readouterr().err
    genotype = Genotype.parse("x1 w4 blend cdc(dil_3)")
    (folder / TIMES).rename(tmp_path / TIMES)
    assert search_times(tiny, folder, CPU, cache).call_ms(genotype) == first.call_ms(genotype)
    assert sum(measured) == count
    cache.unlink()
    changed = {name: 2 * time for name, time in json.loads((folder / TIMES).read_text()).items()}
    (folder / TIMES).write_text(json.dumps(changed))
    assert search_times(tiny, folder, CPU, cache).call_ms(genotype) == 2 * first.call_ms(genotype)
    assert sum(measured) == count


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "not what a search wrote"), ("[]", "not what"), ('{"a": "b"}', "not what"), ("{}", "no time of 'call call")],
)
def test_damaged_times_are_named(tiny, tmp_path, content, message):
    (tmp_path / TIMES).write_text(content)
    with pytest.raises(SearchError, match=rf"times\.json: {message}.*--restart"):
        search_times(tiny, tmp_path, CPU)
