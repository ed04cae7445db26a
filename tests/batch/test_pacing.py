"""Frames of several videos are paired in their order, by number or by time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imfuse.batch.pacing import pair_frames
from imfuse.images.video import TimedFrame


def stream(rate: float, count: int) -> list[TimedFrame]:
    """Frames of one pixel that holds their number."""
    return [TimedFrame(index / rate, np.full((1, 1), index, np.uint8)) for index in range(count)]


def numbers(rates: list[float], counts: list[int]) -> list[tuple[int, ...]]:
    streams = [stream(rate, count) for rate, count in zip(rates, counts, strict=True)]
    return [tuple(int(frame[0, 0]) for frame in frames) for frames in pair_frames(streams, rates)]


def test_equal_rates_are_paired_by_number_until_the_shorter_ends():
    assert numbers([25, 25], [4, 3]) == [(0, 0), (1, 1), (2, 2)]


def test_twice_the_rate_leaves_every_second_frame_out():
    assert numbers([10, 20], [3, 6]) == [(0, 0), (1, 2), (2, 4)]
    assert numbers([20, 10], [6, 3]) == [(0, 0), (2, 1), (4, 2)]


@pytest.mark.parametrize("counts", [(100, 20), (10, 200)])
def test_the_end_of_either_stream_ends_the_pairs(counts):
    pairs = numbers([10, 20], list(counts))
    assert len(pairs) == 10


def test_an_empty_stream_gives_no_pairs():
    assert numbers([10, 20], [0, 5]) == numbers([10, 20], [5, 0]) == []


@given(
    rates=st.lists(st.sampled_from([5.0, 12.5, 23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 60.0]), min_size=2, max_size=3),
    seconds=st.floats(0.5, 4),
)
def test_partners_are_never_further_apart_than_half_a_frame(rates, seconds):
    pairs = numbers(rates, [max(1, int(rate * seconds)) for rate in rates])
    pace = min(range(len(rates)), key=lambda index: rates[index])
    assert [pair[pace] for pair in pairs] == list(range(len(pairs)))
    last = [int(rate * seconds) - 1 for rate in rates]
    for pair in pairs:
        for index, number in enumerate(pair):
            apart = abs(number / rates[index] - pair[pace] / rates[pace])
            # The last frame stands for the time that it is shown.
            assert apart <= (1.0 if number == last[index] else 0.5) / rates[index] + 1e-9
