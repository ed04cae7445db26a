"""Times that other processes do not move."""

from __future__ import annotations

import time

import pytest

from imfuse.lab.search.timing import clock_of, milliseconds


class FakeMachine:
    """A clock, and calls that take so many seconds on it; each reading is free."""

    def __init__(self) -> None:
        self.now = 0.0

    def call(self, *seconds: float):
        """A call that takes these times one after the other, again and again."""
        turn = iter(seconds * 10_000)

        def run() -> None:
            self.now += next(turn)

        return run


def test_a_hiccup_in_every_few_calls_does_not_count(monkeypatch):
    machine = FakeMachine()
    monkeypatch.setattr(time, "perf_counter", lambda: machine.now)
    calls = [machine.call(0.004), machine.call(0.002, 0.002, 0.002, 0.5)]
    assert milliseconds(calls, lambda: machine.now) == pytest.approx([4, 2])


def test_a_long_spell_of_load_does_not_count(monkeypatch):
    machine = FakeMachine()
    monkeypatch.setattr(time, "perf_counter", lambda: machine.now)
    busy = [0.02] * 9 + [0.01] * 500
    assert milliseconds([machine.call(*busy)], lambda: machine.now) == pytest.approx([10])


def test_calls_take_turns(monkeypatch):
    machine, order = FakeMachine(), []
    monkeypatch.setattr(time, "perf_counter", lambda: machine.now)

    def noting(name: str):
        run = machine.call(0.05)
        return lambda: (order.append(name), run())

    milliseconds([noting("a"), noting("b")], lambda: machine.now)
    assert "".join(order[4:]) == "ab" * (len(order) // 2 - 2)


def test_one_thread_is_timed_by_what_it_works():
    clock = clock_of(1, "cpu")
    (asleep,) = milliseconds([lambda: time.sleep(0.02)], clock)
    assert asleep < 10
    assert clock_of(2, "cpu") is clock_of(1, "cuda") is time.perf_counter
