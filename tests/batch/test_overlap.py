"""Threads with bounded queues keep the order, pass errors on and always end."""

from __future__ import annotations

import threading
import time

import pytest

from imfuse.batch.overlap import Prefetch, WriteBehind


def feed(write, count: int, error: type[Exception] | None = None) -> None:
    """Puts numbers into a sink of depth 1 and raises an error of its own at the end, if one is given."""
    with WriteBehind(write, depth=1) as sink:
        for index in range(count):
            sink.put(index)
        if error is not None:
            raise error


def read_into(source, seen: list) -> None:
    with Prefetch(source) as items:
        for item in items:
            seen.append(item)  # noqa: PERF402  what came before an error has to be seen


def test_prefetching_keeps_the_order():
    with Prefetch(range(100), depth=3) as items:
        assert list(items) == list(range(100))


def test_prefetching_is_bounded():
    taken = []

    def source():
        for index in range(100):
            taken.append(index)
            yield index

    with Prefetch(source(), depth=4) as items:
        assert next(iter(items)) == 0
        time.sleep(0.2)
        assert len(taken) <= 4 + 2


def test_an_error_of_the_source_is_raised_after_what_came_before():
    def source():
        yield 1
        raise OSError("broken")

    seen = []
    with pytest.raises(OSError, match="broken"):
        read_into(source(), seen)
    assert seen == [1]


def test_leaving_early_ends_the_thread():
    before = threading.active_count()
    with Prefetch(iter(int, 1), depth=2) as items:
        next(iter(items))
    assert threading.active_count() == before


def test_writing_behind_keeps_the_order_and_waits_for_the_last():
    written = []

    def slow(item):
        time.sleep(0.001)
        written.append(item)

    with WriteBehind(slow, depth=2) as sink:
        for index in range(50):
            sink.put(index)
    assert written == list(range(50))


def test_an_error_of_the_writer_reaches_the_caller_and_blocks_nobody():
    def fail(item):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        feed(fail, 50)


def test_an_error_at_the_very_end_is_raised_too():
    def fail(item):
        time.sleep(0.05)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        feed(fail, 1)


def test_the_callers_own_error_comes_first():
    with pytest.raises(ZeroDivisionError):
        feed(lambda item: None, 1, ZeroDivisionError)
