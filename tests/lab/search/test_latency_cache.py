"""The file of measured times: what survives other processes, damage and other machines."""

from __future__ import annotations

import json

import pytest

from imfuse.lab.search.latency_cache import LatencyCache, cache_path, conditions_of
from imfuse.lab.search.target import Target
from imfuse.runtime.processor import processor

HERE = {"device": "some processor", "engine": "onnxruntime 1.0"}


def test_times_are_there_again(tmp_path):
    path = tmp_path / "folder" / "times.json"
    LatencyCache(path, HERE).put({"stem": 1.5})
    assert LatencyCache(path, HERE).times == {"stem": 1.5}


def test_two_writers_keep_the_times_of_both(tmp_path):
    path = tmp_path / "times.json"
    first, second = LatencyCache(path, HERE), LatencyCache(path, HERE)
    first.put({"a": 1.0})
    second.put({"b": 2.0})
    first.put({"c": 3.0})
    assert LatencyCache(path, HERE).times == {"a": 1.0, "b": 2.0, "c": 3.0} == first.times


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe", b"[]", b'{"milliseconds": {}}', b'{"conditions": {}, "milliseconds": {"a": "fast"}}', b""],
)
def test_a_damaged_file_is_named_and_measured_anew(tmp_path, content):
    path = tmp_path / "times.json"
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=r"times\.json: damaged .*measured anew"):
        cache = LatencyCache(path, HERE)
    assert cache.times == {}


@pytest.mark.parametrize("time", ["NaN", "-1", "Infinity"])
def test_a_time_that_is_none_is_damage(tmp_path, time):
    path = tmp_path / "times.json"
    path.write_text(f'{{"conditions": {json.dumps(HERE)}, "milliseconds": {{"a": {time}}}}}')
    with pytest.warns(UserWarning, match="a time that is not a number from 0 up"):
        assert LatencyCache(path, HERE).times == {}


def test_times_of_another_machine_are_not_taken(tmp_path):
    path = tmp_path / "times.json"
    LatencyCache(path, HERE).put({"a": 1.0})
    with pytest.warns(UserWarning, match="times of .*some processor.*, not of .*another"):
        assert LatencyCache(path, {**HERE, "device": "another"}).times == {}


def test_the_file_is_in_the_cache_folder_and_its_name_tells_the_conditions(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    conditions = conditions_of(Target(threads=2, height=480, width=640), "onnxruntime 1.0", "A (R) CPU @ 2.0/GHz")
    path = cache_path(conditions)
    assert path.parent == tmp_path / "imfuse" / "latency"
    assert path.name.startswith("a-r-cpu-2.0-ghz-")
    assert "onnxruntime-1.0-2-threads-640x480" in path.name
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_path(conditions).parent == tmp_path / "home" / ".cache" / "imfuse" / "latency"


def test_the_processor_has_a_name():
    assert processor()
