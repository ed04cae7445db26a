"""Video in and out through OpenCV: decoded frames with their times, and an encoder that renames at the end."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import VideoError
from imfuse.images.decoding import quiet_opencv
from imfuse.images.files import READ_SUFFIXES

# FFmpeg inside OpenCV reads this when it is first used; its notes would stand between ours on the terminal.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
import cv2

CODECS = {".mp4": "mp4v", ".m4v": "mp4v", ".mov": "mp4v", ".avi": "MJPG", ".mkv": "mp4v"}
"""The encoder that is used for each suffix; all of them are in OpenCV's own wheels."""

UNKNOWN_RATE = 25.0
"""Frames a second that are assumed where a file states none."""

GREY_TOLERANCE = 8
"""Levels by which the channels of a grey picture may differ after a codec has had it."""

Frame = NDArray[np.uint8]
"""`(h, w)` as long as the stream has shown no colour, else `(h, w, 3)` RGB."""


class TimedFrame(NamedTuple):
    """One decoded frame and its time in seconds from the start of the stream."""

    time: float
    pixels: Frame


@dataclass(frozen=True)
class VideoInfo:
    """What the header of a video says; `frames` is 0 where it does not say."""

    path: Path
    height: int
    width: int
    rate: float
    frames: int


class VideoReader:
    """A video that is opened for reading once, from its first frame to its last.

    Attributes:
        info: what the header says.
        decoded: frames that have been decoded.
        ended: whether the end was reached.

    Raises:
        VideoError: there is no such file, or it is not a video that OpenCV can decode.
    """

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise VideoError(
                f"{path}: a folder, and a video file was expected; folders of pictures are for `imfuse fuse`"
            )
        if not path.is_file():
            raise VideoError(f"{path}: no such file; give the path of a video")
        if path.suffix.lower() in READ_SUFFIXES:  # which OpenCV would read as a video of one frame
            raise VideoError(f"{path}: a picture, and a video was expected; pictures are for `imfuse fuse`")
        self._capture = _open_capture(path)
        if not self._capture.isOpened():
            raise VideoError(
                f"{path}: not a video that can be decoded ({path.stat().st_size} bytes); the file is damaged, cut "
                "off, or of an unknown codec: convert it to MP4 with ffmpeg and try again"
            )
        self.info = _read_info(path, self._capture)
        self.decoded = 0
        self.ended = False
        self._coloured = False

    def __iter__(self) -> Iterator[TimedFrame]:
        """Decode frame by frame.

        Raises:
            VideoError: not even the first frame can be decoded.
        """
        time = -1 / self.info.rate
        while (pixels := self._next_pixels()) is not None:
            stated = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            # Some containers state no times, or the same for every frame; then the rate gives them.
            time = stated if stated > time else time + 1 / self.info.rate
            self.decoded += 1
            yield TimedFrame(max(time, 0.0), pixels)
        self.ended = True
        if self.decoded == 0:
            raise VideoError(f"{self.info.path}: no frame can be decoded; the file is damaged or empty")

    def _next_pixels(self) -> Frame | None:
        """The next frame, or None at the end; damage inside the file looks like its end to OpenCV."""
        good, pixels = self._capture.read()
        if not good:
            return None
        self._coloured = self._coloured or _is_coloured(pixels)
        conversion = cv2.COLOR_BGR2RGB if self._coloured else cv2.COLOR_BGR2GRAY
        return np.asarray(cv2.cvtColor(pixels, conversion), np.uint8)

    @property
    def lost(self) -> int:
        """Frames that the header announces and that did not come; to be asked at the end of the stream."""
        lost = self.info.frames - self.decoded
        # Headers round durations: a frame or two in a long stream is no damage.
        return lost if lost > max(2, self.info.frames // 50) else 0

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class VideoWriter:
    """An encoder that writes under a temporary name and renames when all is there.

    Frames of odd height or width are padded by one pixel (the edge repeated), because the codecs take even sizes
    only. Missing parent folders are made. As a context manager it throws the temporary file away when an error or an
    interrupt comes.

    Raises:
        VideoError: the suffix is unknown.
    """

    def __init__(self, path: Path, rate: float, codec: str | None = None) -> None:
        if path.suffix.lower() not in CODECS:
            raise VideoError(f"{path}: videos are written as {', '.join(sorted(CODECS))}; choose one of these")
        self.path = path
        self.temporary = path.with_name(f".{path.stem}.{secrets.token_hex(8)}.tmp{path.suffix}")
        self._rate = rate
        self._codec = codec or CODECS[path.suffix.lower()]
        self._encoder: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, pixels: Frame) -> None:
        """Encode one frame; all frames have the size of the first.

        Raises:
            VideoError: the codec is not there, the folder cannot be written to, or the size changes.
        """
        height, width = pixels.shape[:2]
        if self._encoder is None:
            self._size = (height, width)
            self._encoder = self._open()
        if (height, width) != self._size:
            raise VideoError(
                f"{self.path}: a frame of {width}x{height} came after frames of "
                f"{self._size[1]}x{self._size[0]}; all frames of a video have one size"
            )
        even = np.pad(pixels, ((0, height % 2), (0, width % 2)) + ((0, 0),) * (pixels.ndim - 2), mode="edge")
        self._encoder.write(cv2.cvtColor(even, cv2.COLOR_GRAY2BGR if even.ndim == 2 else cv2.COLOR_RGB2BGR))

    def _open(self) -> cv2.VideoWriter:
        """Start the encoder under the temporary name."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.temporary.touch()
        except OSError as error:
            raise VideoError(f"{self.path}: cannot be written there ({error.strerror})") from error
        height, width = (side + side % 2 for side in self._size)
        encoder = _open_encoder(self.temporary, self._codec, self._rate, (width, height))
        if not encoder.isOpened():
            self.discard()
            raise VideoError(
                f"{self.path}: OpenCV cannot encode {self._codec!r} into {self.path.suffix}; use --codec "
                f"{CODECS[self.path.suffix.lower()]}, or FFV1 (lossless) in .mkv or .avi"
            )
        return encoder

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises:
            VideoError: no frame was written, or the encoder left nothing behind.
        """
        if self._encoder is None:
            raise VideoError(f"{self.path}: there was no frame to write")
        self._encoder.release()
        self._encoder = None
        if not self.temporary.is_file() or self.temporary.stat().st_size == 0:
            self.discard()
            raise VideoError(f"{self.path}: the encoder wrote nothing; is the disk full?")
        self.temporary.replace(self.path)

    def discard(self) -> None:
        """Throw away what was written."""
        if self._encoder is not None:
            self._encoder.release()
            self._encoder = None
        with contextlib.suppress(NotADirectoryError):  # a file has the name of the folder: nothing was written
            self.temporary.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def _is_coloured(pixels: NDArray[Any]) -> bool:
    """Whether any pixel of a grid has a colour."""
    grid = pixels[::3, ::3].astype(np.int16)
    blue, green, red = grid[..., 0], grid[..., 1], grid[..., 2]
    return bool((np.abs(blue - green) > GREY_TOLERANCE).any() or (np.abs(red - green) > GREY_TOLERANCE).any())


def _open_capture(path: Path) -> cv2.VideoCapture:
    """FFmpeg alone: OpenCV's other readers would take a name with %d in it for a row of pictures."""
    with quiet_opencv():
        return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)


def _open_encoder(path: Path, codec: str, rate: float, size: tuple[int, int]) -> cv2.VideoWriter:
    if len(codec) != 4:
        raise VideoError(f"--codec {codec}: a codec is named by four letters, such as mp4v, MJPG or FFV1")
    with quiet_opencv():
        fourcc = cv2.VideoWriter.fourcc(*codec)
        return cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, rate, size)


def _read_info(path: Path, capture: cv2.VideoCapture) -> VideoInfo:
    rate = capture.get(cv2.CAP_PROP_FPS)
    return VideoInfo(
        path=path,
        height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        rate=rate if 0 < rate <= 1000 else UNKNOWN_RATE,
        frames=max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))),
    )
