"""Videos of one scene into one: decoding, fusing and encoding overlap."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from imfuse.batch.overlap import Prefetch, WriteBehind
from imfuse.batch.pacing import pair_frames, same_rate, slowest
from imfuse.batch.registration import REFERENCE, Registration, find_registration, remark
from imfuse.errors import AlignmentError
from imfuse.images.image import Image
from imfuse.images.sizes import check_sizes, match_sizes, stretch_remarks
from imfuse.images.video import Frame, VideoReader, VideoWriter
from imfuse.runtime.fuser import Fuser

if TYPE_CHECKING:
    from imfuse.align import Motion

TRIED_FRAMES = 25
"""Frames from the start among which `align` looks for a pair that can be registered."""

Prepare = Callable[[Sequence[Frame]], Sequence[Frame]]


@dataclass(frozen=True)
class VideoReport:
    """What was fused.

    Attributes:
        frames: fused and written.
        seconds: from the first frame to the finished file.
        rate: frames a second of the result when it is played.
        remarks: what a person should know: unequal lengths or rates, a registration.
        damage: streams that ended long before their headers say; empty when all is well.
    """

    frames: int
    seconds: float
    rate: float
    remarks: tuple[str, ...]
    damage: tuple[str, ...]


def fuse_videos(
    fuser: Fuser,
    paths: Sequence[Path],
    output: Path,
    names: Sequence[str],
    *,
    resize: Literal["larger", "smaller"] | int | None = None,
    motion: Motion | None = None,
    codec: str | None = None,
    advance: Callable[[], None] = lambda: None,
) -> VideoReport:
    """Fuse videos frame by frame until the shortest ends; sound is not carried over.

    Args:
        fuser: the model.
        paths: one video a source, in the model's order.
        output: the suffix decides the container; the file appears when it is complete.
        names: of the sources.
        resize: the size that all take, as for pictures.
        motion: register the others onto the second source, once on the first frames, then the same for all.
        codec: four letters; None takes the usual one of the suffix.
        advance: called after each fused frame.

    Raises:
        VideoError: a stream cannot be decoded, or the result cannot be encoded.
        SourceError: unequal sizes, and neither `resize` nor `motion` says what to do.
        AlignmentError: the first frames cannot be registered.
    """
    start = time.perf_counter()
    with ExitStack() as stack:
        readers = [stack.enter_context(VideoReader(path)) for path in paths]
        rates = [reader.info.rate for reader in readers]
        rate = rates[slowest(rates)]
        writer = stack.enter_context(VideoWriter(output, rate, codec))
        streams = [stack.enter_context(Prefetch(reader)) for reader in readers]
        pairs = pair_frames(streams, rates)
        prepare, pairs, remarks = _preparation(pairs, names, resize, motion)
        if resize is not None:
            sizes = [(reader.info.height, reader.info.width) for reader in readers]
            remarks += stretch_remarks(sizes, resize, names)
        frames = 0
        with WriteBehind(writer.write) as sink:
            for sources in pairs:
                sink.put(np.asarray(fuser(*prepare(sources), dtype=np.uint8), np.uint8))
                frames += 1
                advance()
        remarks += [*_rate_remarks(readers, rate), *_length_remarks(readers, frames)]
        damage = [_damage(reader) for reader in readers if reader.ended and reader.lost]
    return VideoReport(frames, time.perf_counter() - start, rate, tuple(remarks), tuple(damage))


def _preparation(
    pairs: Iterator[tuple[Frame, ...]],
    names: Sequence[str],
    resize: Literal["larger", "smaller"] | int | None,
    motion: Motion | None,
) -> tuple[Prepare, Iterable[tuple[Frame, ...]], list[str]]:
    """How every tuple of frames is brought to one size and place, the frames with none taken away, and remarks."""

    def same_size(frames: Sequence[Frame]) -> Sequence[Frame]:
        if resize is not None:
            frames = [np.asarray(i.pixels, np.uint8) for i in match_sizes([Image(f) for f in frames], resize)]
        if motion is None:
            check_sizes([Image(frame) for frame in frames], names)
        return frames

    if motion is None:
        return same_size, pairs, []
    first = list(islice(pairs, TRIED_FRAMES))
    samples = [same_size(frames) for frames in first[:: max(1, len(first) // 3)]]
    others = [index for index in range(len(names)) if index != REFERENCE and samples]
    found = {index: _best_registration(samples, index, names, motion) for index in others}

    def registered(frames: Sequence[Frame]) -> Sequence[Frame]:
        frames = same_size(frames)
        reference = frames[REFERENCE]
        moved = {index: found[index].apply(frames[index], reference) for index in others}
        return [np.asarray(moved.get(index, frame), np.uint8) for index, frame in enumerate(frames)]

    return registered, chain(first, pairs), [remark(found[i], names[i], names[REFERENCE]) for i in others]


def _best_registration(
    samples: Sequence[Sequence[Frame]], index: int, names: Sequence[str], motion: Motion
) -> Registration:
    """The registration of one source after which it matches best.

    Raises:
        AlignmentError: no sample could be registered.
    """
    attempts = [_attempt(frames[index], frames[REFERENCE], motion) for frames in samples]
    found = [attempt for attempt in attempts if isinstance(attempt, Registration)]
    if not found:
        raise AlignmentError(f"{names[index]} onto {names[REFERENCE]}: {attempts[-1]}")
    return max(found, key=lambda registration: registration.alignment.score_after)


def _attempt(moving: Frame, fixed: Frame, motion: Motion) -> Registration | AlignmentError:
    try:
        return find_registration(moving, fixed, motion)
    except AlignmentError as error:
        return error


def _rate_remarks(readers: Sequence[VideoReader], rate: float) -> list[str]:
    if same_rate([reader.info.rate for reader in readers]):
        return []
    rates = ", ".join(f"{reader.info.path.name} has {reader.info.rate:.5g}" for reader in readers)
    return [f"unequal frame rates ({rates} frames a second): matched by time at {rate:.5g}, the slowest"]


def _length_remarks(readers: Sequence[VideoReader], frames: int) -> list[str]:
    """Which stream was the shortest, by what the headers say."""
    lengths = [reader.info.frames / reader.info.rate for reader in readers]
    shortest = min(range(len(readers)), key=lengths.__getitem__)
    gap = 1.5 / min(reader.info.rate for reader in readers)
    if lengths[shortest] == 0 or max(lengths) - lengths[shortest] <= gap:
        return []
    longest = ", ".join(
        f"{reader.info.path.name} {length:.2f} s" for reader, length in zip(readers, lengths, strict=True)
    )
    return [
        f"unequal lengths ({longest}): stopped after {frames} frames, at the end of {readers[shortest].info.path.name}"
    ]


def _damage(reader: VideoReader) -> str:
    info = reader.info
    return (
        f"{info.path}: the stream breaks off after {reader.decoded} of {info.frames} frames; the file is damaged or "
        "cut off, and what could be decoded was fused"
    )
