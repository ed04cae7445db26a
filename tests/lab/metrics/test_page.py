"""docs/metrics.md says of every metric what the registry and the classes say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imfuse.lab.metrics.collection import CLASSES
from imfuse.lab.metrics.registry import IMFUSE, METRICS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"
HEAD = "| metric | better |"


def rows() -> dict[str, list[str]]:
    """The cells of the page's great table, by the name of the metric."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(HEAD)) + 2
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[begin : lines.index("", begin)]]
    return {cells[0]: cells for cells in table}


def test_the_page_has_the_metrics_of_the_registry_in_their_order():
    assert list(rows()) == list(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_a_row_says_what_the_registry_says(name):
    metric = METRICS[name]
    _, better, _, conventions, _, kind, paper = rows()[name]
    assert better == ("up" if metric.higher_is_better else "down")
    assert {IMFUSE, *re.findall(r"`(\w+)`", conventions)} == set(metric.conventions)
    assert kind == f"`{CLASSES[name].__name__}`"
    assert paper == metric.paper


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.rewards_noise])
def test_a_row_warns_of_noise_where_the_registry_does(name):
    assert "noise" in rows()[name][4]
