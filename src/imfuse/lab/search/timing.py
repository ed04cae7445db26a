"""Times of calls that stay the same while other processes load the machine."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence

ROUNDS = 5
ROUND_SECONDS = 0.04
MOST_CALLS = 20

Clock = Callable[[], float]
"""Seconds since some moment."""


def clock_of(threads: int, device: str) -> Clock:
    """What times are read from.

    One thread on a CPU is timed by the processor time of that thread: it is what a call takes on a machine that has
    nothing else to do, while the wall clock also counts the turns of other processes. More threads, and a GPU, have
    only the wall clock. (Windows counts processor time in steps of 16 ms, which are too coarse.)
    """
    return time.thread_time if threads == 1 and device == "cpu" and sys.platform != "win32" else time.perf_counter


def milliseconds(calls: Sequence[Callable[[], object]], clock: Clock = time.perf_counter) -> list[float]:
    """Milliseconds of each of some calls, which take turns so that their differences mean something.

    In each of several rounds every call gets the median of its repetitions, which no single hiccup moves; of the rounds
    the lowest counts, as other processes can make a round longer but never shorter.

    Args:
        calls: what is timed, after a warm-up.
        clock: as `clock_of` gives.
    """
    counts = [_repetitions(call) for call in calls]
    rounds = [[_median(call, count, clock) for call, count in zip(calls, counts, strict=True)] for _ in range(ROUNDS)]
    return [min(times) * 1e3 for times in zip(*rounds, strict=True)]


def _repetitions(call: Callable[[], object]) -> int:
    """How often in a round, after a warm-up."""
    call()
    start = time.perf_counter()
    call()
    return max(1, min(MOST_CALLS, round(ROUND_SECONDS / max(time.perf_counter() - start, 1e-9))))


def _median(call: Callable[[], object], count: int, clock: Clock) -> float:
    seconds = []
    for _ in range(count):
        start = clock()
        call()
        seconds.append(clock() - start)
    return statistics.median(seconds)
