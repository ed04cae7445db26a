"""Processes are begun where they are worth it, and no more than the memory holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imfuse.images.files import write_image
from imfuse.lab.bench.evaluation import Method, Scene
from imfuse.lab.bench.measuring import workers as module
from imfuse.lab.bench.measuring.measure import Task
from imfuse.lab.bench.measuring.workers import count_workers

GIGABYTE = 10**9


@pytest.fixture
def tasks(tmp_path: Path):
    """Makes tasks of scenes of a size, each of five pictures by thirteen metrics."""

    def make(count: int, height: int, width: int) -> list[Task]:
        path = tmp_path / f"{height}x{width}.png"
        write_image(path, np.zeros((height, width), np.uint8))
        columns = tuple((f"metric {number}", "imfuse") for number in range(13))
        pictures = tuple((Method(f"method {number}", "folder"), columns) for number in range(5))
        return [Task(Scene(str(number), (path, path)), pictures) for number in range(count)]

    return make


@pytest.fixture(autouse=True)
def free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Sets the memory that Linux says is free."""
    path = tmp_path / "meminfo"
    monkeypatch.setattr(module, "MEMORY", path)

    def set_free(count: int) -> None:
        path.write_text(f"MemTotal:  {count} kB\nMemAvailable:   {count // 1024} kB\n")

    set_free(1000 * GIGABYTE)
    return set_free


def test_few_large_scenes_get_a_process_each(tasks):
    assert count_workers(tasks(7, 3000, 4000), 16) == 7


def test_few_small_scenes_are_not_worth_a_second_process(tasks):
    assert count_workers(tasks(7, 72, 96), 16) == 1


def test_more_work_gets_more_processes_up_to_the_jobs(tasks):
    counts = [count_workers(tasks(count, 480, 640), 16) for count in (1, 3, 10, 100)]
    assert counts == sorted(counts)
    assert counts[0] == 1 < counts[2] < counts[3] == 16
    assert count_workers(tasks(100, 480, 640), 1) == 1


def test_the_memory_holds_all_processes(tasks, free):
    large = tasks(16, 3000, 4000)
    free(17 * GIGABYTE)
    assert count_workers(large, 16) == 4  # of 4 GB each
    free(GIGABYTE)
    assert count_workers(large, 16) == 1


def test_the_jobs_decide_where_the_system_does_not_tell(tasks, monkeypatch):
    monkeypatch.setattr(module, "MEMORY", Path("nowhere"))
    assert count_workers(tasks(16, 3000, 4000), 16) == 16


def test_sizes_that_cannot_be_read_are_taken_as_usual_ones(tasks, tmp_path):
    made = tasks(100, 480, 640)
    expected = count_workers(made, 16)
    (tmp_path / "480x640.png").write_bytes(b"DICM")
    assert count_workers(made, 16) == expected
    assert count_workers([], 16) == 1
