"""What a search leaves: lines that survive being cut, winners that are read back, damage that is named."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import pytest

from imfuse.errors import SearchError
from imfuse.lab.search.record import (
    COURSE,
    SWEPT,
    TRIALS,
    WINNER,
    Row,
    Winner,
    append_line,
    cut_course,
    cut_trials,
    read_course,
    read_trials,
    trial_line,
    winners,
)
from imfuse.lab.search.strategies import Trial

ONE = Winner("x1 w4 blend csc(conv_3)", 0.25, 3.5, 3.75, 0.1, 12.5, "gradient", ("a note",))


def row(step: int) -> Row:
    return Row(step, 0, {"training_loss": 0.1 + 0.2, "search_loss": 1e-9}, {"width": [0.25, 0.75]}, "x1 w4 blend")


def test_rows_come_back_to_the_bit_and_end_where_the_search_goes_on(tmp_path):
    for step in (1, 2, 3):
        append_line(tmp_path / COURSE, asdict(row(step)))
    assert read_course(tmp_path) == [row(1), row(2), row(3)]
    cut_course(tmp_path, 2)
    assert read_course(tmp_path) == [row(1), row(2)]
    assert read_course(tmp_path / "absent") == []


def test_a_line_that_was_cut_short_is_dropped_before_another_one_is_added(tmp_path):
    first, second = trial_line(Trial("a", 0.5, 2.0), 1.0), trial_line(Trial("b", math.inf, 3.0), 2.0)
    append_line(tmp_path / TRIALS, first)
    with (tmp_path / TRIALS).open("a") as file:
        file.write('{"genotype": "b", "lo')
    assert read_trials(tmp_path) == [first]
    cut_trials(tmp_path)
    append_line(tmp_path / TRIALS, second)
    assert read_trials(tmp_path) == [first, {"genotype": "b", "loss": None, "milliseconds": 3.0, "seconds": 2.0}]


@pytest.mark.parametrize("line", ["{", "[1]", "null", '{"genotype": "a"}', "\xff"])
def test_a_damaged_line_is_named(tmp_path, line):
    append_line(tmp_path / TRIALS, trial_line(Trial("a", 0.5, 2.0), 1.0))
    with (tmp_path / TRIALS).open("a", encoding="latin-1") as file:
        file.write(line + "\n")
    with pytest.raises(SearchError, match=r"trials\.jsonl, line 2: not what a search wrote .*--restart"):
        read_trials(tmp_path)


def test_a_winner_is_read_back_and_its_damage_is_named(tmp_path):
    with pytest.raises(SearchError, match=r"no winner\.json; let `imfuse search` finish"):
        Winner.read(tmp_path)
    ONE.write(tmp_path)
    assert Winner.read(tmp_path) == ONE
    for text in ("{", "[]", '{"genotype": "a"}'):
        (tmp_path / WINNER).write_text(text)
        with pytest.raises(SearchError, match=r"winner\.json: not what a search wrote"):
            Winner.read(tmp_path)


def test_the_winners_of_a_sweep_come_by_rising_time_also_while_it_runs(tmp_path):
    assert winners(tmp_path) == []
    for name, milliseconds in (("0.1", 3.0), ("0", 9.0), ("1", 1.0)):
        (tmp_path / f"{SWEPT}{name}").mkdir()
        replace(ONE, predicted_ms=milliseconds).write(tmp_path / f"{SWEPT}{name}")
    (tmp_path / f"{SWEPT}2").mkdir()
    assert [winner.predicted_ms for winner in winners(tmp_path)] == [1.0, 3.0, 9.0]
    replace(ONE, predicted_ms=9.0).write(tmp_path)
    assert [winner.predicted_ms for winner in winners(tmp_path)] == [1.0, 3.0, 9.0]


def test_a_search_without_a_sweep_has_one_winner(tmp_path):
    ONE.write(tmp_path)
    assert winners(tmp_path) == [ONE]
