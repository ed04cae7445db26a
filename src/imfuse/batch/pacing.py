"""Which frames of several videos belong together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from imfuse.images.video import Frame, TimedFrame


def slowest(rates: Sequence[float]) -> int:
    """The stream whose frames set the pace: the one of the lowest rate, the first of several.

    >>> slowest([30.0, 25.0, 25.0])
    1
    """
    return min(range(len(rates)), key=lambda index: (rates[index], index))


def same_rate(rates: Sequence[float]) -> bool:
    """Whether streams can be paired frame by frame, to half a thousandth, so that 29.97 and 30 are told apart.

    >>> same_rate([25.0, 25.001]), same_rate([25.0, 30.0])
    (True, False)
    """
    return max(rates) - min(rates) < 1e-3 * max(rates) * 0.5


def pair_frames(streams: Sequence[Iterable[TimedFrame]], rates: Sequence[float]) -> Iterator[tuple[Frame, ...]]:
    """Frames that belong together, until the shortest stream ends.

    Equal rates are paired frame by frame. Otherwise each frame of the slowest stream meets the frame of every
    other stream that is nearest in time, so that no frame is shown twice in a row for want of a partner.

    Args:
        streams: one a source.
        rates: their frames a second.
    """
    if same_rate(rates):
        yield from (tuple(frame.pixels for frame in frames) for frames in zip(*streams, strict=False))
        return
    pace = slowest(rates)
    others = {index: _Nearest(stream, rates[index]) for index, stream in enumerate(streams) if index != pace}
    for frame in streams[pace]:
        found = {index: other.at(frame.time) for index, other in others.items()}
        found[pace] = frame.pixels
        frames = tuple(found[index] for index in range(len(streams)))
        if any(pixels is None for pixels in frames):
            return
        yield tuple(pixels for pixels in frames if pixels is not None)


class _Nearest:
    """The frame of a stream nearest to a time that only moves on."""

    def __init__(self, stream: Iterable[TimedFrame], rate: float) -> None:
        self._frames = iter(stream)
        self._current = next(self._frames, None)
        self._next = next(self._frames, None)
        self._gap = 1 / rate

    def at(self, time: float) -> Frame | None:
        """The nearest frame, or None when the stream has ended."""
        if self._current is None:
            return None
        while self._next is not None and abs(self._next.time - time) <= abs(self._current.time - time):
            self._current, self._next = self._next, next(self._frames, None)
        if self._next is None and time - self._current.time >= 0.999 * self._gap:
            return None
        return self._current.pixels
