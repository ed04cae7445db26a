"""Video streams: frames, colours and times survive; damage and impossible wishes are said."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from imfuse.errors import VideoError
from imfuse.images.files import write_image
from imfuse.images.video import CODECS, VideoReader, VideoWriter


def gradient(index: int, height: int = 48, width: int = 64) -> np.ndarray:
    """A smooth coloured frame that moves, which every codec keeps well."""
    rows, columns = np.mgrid[:height, :width]
    channels = (columns * 3 + index * 4, rows * 4, np.full_like(rows, 60 + index))
    return np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)


def write(path: Path, frames: Iterable[np.ndarray], rate: float = 25.0, codec: str | None = None) -> Path:
    with VideoWriter(path, rate, codec) as writer:
        for frame in frames:
            writer.write(frame)
    return path


@pytest.mark.parametrize("suffix", sorted(CODECS))
def test_what_is_written_can_be_read_again(tmp_path, suffix):
    frames = [gradient(index) for index in range(12)]
    with VideoReader(write(tmp_path / f"video{suffix}", frames, 12.5)) as reader:
        assert (reader.info.height, reader.info.width) == (48, 64)
        assert reader.info.rate == pytest.approx(12.5)
        decoded = list(reader)
    assert len(decoded) == 12
    assert reader.lost == 0
    for frame, wanted in zip(decoded, frames, strict=True):
        assert np.abs(frame.pixels.astype(int) - wanted).mean() < 6


def test_a_lossless_codec_keeps_every_bit(tmp_path):
    frames = [np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8) for index in range(4)]
    with VideoReader(write(tmp_path / "video.mkv", frames, codec="FFV1")) as reader:
        for frame, wanted in zip(reader, frames, strict=True):
            np.testing.assert_array_equal(frame.pixels, wanted)


def test_times_are_those_of_the_rate(tmp_path):
    with VideoReader(write(tmp_path / "video.mp4", [gradient(index) for index in range(8)], 10)) as reader:
        np.testing.assert_allclose([frame.time for frame in reader], np.arange(8) / 10, atol=2e-3)


def test_grey_frames_come_back_grey(tmp_path):
    frames = [gradient(index)[..., 0] for index in range(4)]
    with VideoReader(write(tmp_path / "video.mkv", frames, codec="FFV1")) as reader:
        for frame, wanted in zip(reader, frames, strict=True):
            np.testing.assert_array_equal(frame.pixels, wanted)


def test_a_grey_stream_is_grey_after_a_lossy_codec_too(tmp_path):
    frames = [gradient(index)[..., 0] for index in range(6)]
    with VideoReader(write(tmp_path / "video.mp4", frames)) as reader:
        assert {frame.pixels.ndim for frame in reader} == {2}


def test_a_stream_that_has_shown_colour_stays_coloured(tmp_path):
    black = np.zeros((48, 64, 3), np.uint8)
    frames = [black, gradient(0), black]
    with VideoReader(write(tmp_path / "video.mkv", frames, codec="FFV1")) as reader:
        assert [frame.pixels.ndim for frame in reader] == [2, 3, 3]


@pytest.mark.parametrize("size", [(47, 64), (48, 63), (47, 63), (1, 1)])
def test_odd_sizes_are_padded_not_cut(tmp_path, size):
    frames = [gradient(index, *size) for index in range(3)]
    with VideoReader(write(tmp_path / "video.mkv", frames, codec="FFV1")) as reader:
        first = next(iter(reader)).pixels
    assert first.shape[:2] == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    colour = first if first.ndim == 3 else np.repeat(first[..., None], 3, axis=2)
    np.testing.assert_array_equal(colour[: size[0], : size[1]], frames[0])


def test_the_name_appears_when_all_is_written(tmp_path):
    path = tmp_path / "video.mp4"
    with VideoWriter(path, 25) as writer:
        writer.write(gradient(0))
        assert not path.exists()
    assert [found.name for found in tmp_path.iterdir()] == ["video.mp4"]


def _broken_off(error: type[BaseException]):
    yield gradient(0)
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupt_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"before")
    with pytest.raises(error):
        write(path, _broken_off(error))
    assert [found.name for found in tmp_path.iterdir()] == ["video.mp4"]
    assert path.read_bytes() == b"before"


@pytest.mark.parametrize("content", [b"", b"no video at all" * 50])
def test_what_is_no_video_is_refused_with_its_name(tmp_path, content, capfd):
    (tmp_path / "bad.mp4").write_bytes(content)
    with pytest.raises(VideoError, match=r"bad\.mp4.*cannot|bad\.mp4: not a video"):
        VideoReader(tmp_path / "bad.mp4")
    assert capfd.readouterr().err == ""


def test_a_missing_file_is_refused_with_its_name(tmp_path):
    with pytest.raises(VideoError, match=r"none\.mp4: no such file"):
        VideoReader(tmp_path / "none.mp4")


def test_a_stream_that_breaks_off_counts_what_it_lost(tmp_path):
    frames = [np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8) for index in range(40)]
    path = write(tmp_path / "video.avi", frames)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with VideoReader(path) as reader:
        assert 5 < len(list(reader)) < 30
    assert reader.ended
    assert reader.lost == 40 - reader.decoded


@pytest.mark.parametrize(
    ("name", "codec", "text"),
    [
        ("video.txt", None, "choose one of"),
        ("video.mp4", "ABCD", "use --codec"),
        ("video.mp4", "H265X", "four letters"),
    ],
)
def test_an_impossible_format_is_refused(tmp_path, name, codec, text):
    with pytest.raises(VideoError, match=text):
        write(tmp_path / name, [gradient(0)], codec=codec)
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_are_made_and_a_file_in_their_place_is_refused(tmp_path):
    assert write(tmp_path / "new" / "more" / "video.mp4", [gradient(0)]).is_file()
    (tmp_path / "file").touch()
    with pytest.raises(VideoError, match="cannot be written"):
        write(tmp_path / "file" / "video.mp4", [gradient(0)])


def test_two_writers_of_one_name_do_not_meet(tmp_path):
    path = tmp_path / "video.mp4"
    assert VideoWriter(path, 25).temporary != VideoWriter(path, 25).temporary


def test_a_folder_is_called_a_folder(tmp_path):
    with pytest.raises(VideoError, match="a folder, and a video file was expected"):
        VideoReader(tmp_path)


def test_a_frame_of_another_size_is_refused(tmp_path):
    with pytest.raises(VideoError, match="60x48 came after frames of 64x48"):
        write(tmp_path / "video.mp4", [gradient(0), gradient(1, width=60)])


def test_no_frame_is_no_video(tmp_path):
    with pytest.raises(VideoError, match="no frame"):
        write(tmp_path / "video.mp4", [])


def test_colours_are_rgb(tmp_path):
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255
    path = write(tmp_path / "video.mkv", [red], codec="FFV1")
    capture = cv2.VideoCapture(str(path))
    _, pixels = capture.read()
    capture.release()
    assert pixels[0, 0].tolist() == [0, 0, 255]


def test_a_picture_is_no_video_of_one_frame(tmp_path):
    write_image(tmp_path / "picture.png", np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(VideoError, match=r"a picture.*imfuse fuse"):
        VideoReader(tmp_path / "picture.png")
