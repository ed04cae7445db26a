"""`imfuse metrics` shows what can be measured."""

from __future__ import annotations

import json

from imfuse.lab.metrics.registry import COMMON, METRICS, RANKED


def rows(text: str) -> dict[str, str]:
    """The first line of every metric, by its name, which two spaces end at least."""
    return {name: line for line in text.splitlines() if (name := line.strip().partition("  ")[0]) in METRICS}


def test_the_table_names_every_metric_and_its_direction(imfuse, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert imfuse("metrics") == 0
    lines = rows(capsys.readouterr().out)
    assert lines.keys() == METRICS.keys()
    for name, metric in METRICS.items():
        assert metric.title in lines[name]
        assert metric.paper in lines[name]
        assert (" up " in lines[name]) == metric.higher_is_better
        assert (" * " in lines[name]) == metric.rewards_noise


def test_a_narrow_terminal_shows_every_name_whole(imfuse, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert imfuse("metrics") == 0
    assert rows(capsys.readouterr().out).keys() == METRICS.keys()


def test_json_tells_all_that_is_known(imfuse, capsys):
    assert imfuse("metrics", "--json") == 0
    records = {record["name"]: record for record in json.loads(capsys.readouterr().out)}
    assert list(records) == list(METRICS)
    assert {name for name, record in records.items() if record["common"]} == set(COMMON)
    assert {name for name, record in records.items() if record["ranked"]} == set(RANKED)
    for name, metric in METRICS.items():
        assert records[name]["better"] == ("up" if metric.higher_is_better else "down")
        assert tuple(records[name]["conventions"]) == metric.conventions
        assert records[name]["measured_of"] == metric.inputs
        assert records[name]["paper"], f"the registry names no source of {name}"
