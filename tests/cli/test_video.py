"""`imfuse video`: streams of unequal length, rate and size, and damaged ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from imfuse.images.video import VideoReader, VideoWriter


def grey(index: int, height: int = 48, width: int = 64) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.clip(columns * 2 + rows + 3 * index, 0, 255).astype(np.uint8)


def write(
    path: Path, count: int = 10, rate: float = 25, size: tuple[int, int] = (48, 64), colour: bool = False
) -> Path:
    with VideoWriter(path, rate, None if path.suffix != ".mkv" else "FFV1") as writer:
        for index in range(count):
            frame = grey(index, *size)
            writer.write(np.stack([frame, frame // 2, 255 - frame], axis=-1) if colour else frame)
    return path


@pytest.fixture
def fuse(imfuse, tmp_path, capsys):
    """Fuses videos into `out.mkv` without loss and returns status, JSON summary, standard error and frames."""

    def run(*words):
        output = tmp_path / "out.mkv"
        command = ("video", *words, "-o", output, "--codec", "FFV1", "--json")
        status = imfuse(*command, *(() if "--model" in words else ("--model", "average")))
        out, err = capsys.readouterr()
        frames = []
        if output.exists():
            with VideoReader(output) as reader:
                frames = [frame.pixels for frame in reader]
        return status, json.loads(out), err, frames

    return run


def test_every_frame_is_the_fused_picture_of_its_sources(fuse, tmp_path):
    from imfuse import fuse as fuse_arrays

    ir, vis = write(tmp_path / "ir.mkv"), write(tmp_path / "vis.mkv", colour=True)
    status, summary, err, frames = fuse(ir, vis, "--model", "maximum")
    assert (status, err, len(frames), summary["frames"]) == (0, "", 10, 10)
    for index, frame in enumerate(frames):
        source = grey(index)
        visible = np.stack([source, source // 2, 255 - source], axis=-1)
        np.testing.assert_array_equal(frame, fuse_arrays(source, visible, model="maximum"))
    assert summary["fps"] > 0
    assert summary["remarks"] == summary["damage"] == []


def test_it_stops_at_the_end_of_the_shorter_and_says_so(fuse, tmp_path):
    status, summary, _, frames = fuse(write(tmp_path / "long.mkv", 20), write(tmp_path / "short.mkv", 12))
    assert (status, len(frames)) == (0, 12)
    assert "unequal lengths" in summary["remarks"][0]
    assert "short.mkv" in summary["remarks"][0]


def test_unequal_rates_are_matched_by_time_at_the_slower(fuse, tmp_path):
    status, summary, _, frames = fuse(write(tmp_path / "a.mkv", 10, 10), write(tmp_path / "b.mkv", 20, 20))
    assert (status, len(frames), summary["rate"]) == (0, 10, 10)
    assert "unequal frame rates" in summary["remarks"][0]
    for index, frame in enumerate(frames):
        wanted = (grey(index).astype(float) + grey(2 * index)) / 2
        assert np.abs(frame - wanted).max() <= 1


def test_unequal_sizes_need_a_rule(fuse, tmp_path):
    large, small = write(tmp_path / "large.mkv"), write(tmp_path / "small.mkv", size=(24, 32))
    status, summary, err, frames = fuse(large, small)
    assert (status, frames) == (1, [])
    assert "--resize" in summary["error"]
    assert "64 x 48" in err
    status, _, _, frames = fuse(large, small, "--resize", "larger")
    assert (status, frames[0].shape) == (0, (48, 64))


def test_a_broken_stream_gives_what_there_is_and_status_1(fuse, tmp_path):
    whole, broken = write(tmp_path / "whole.mkv", 40), tmp_path / "broken.avi"
    with VideoWriter(broken, 25) as writer:
        for index in range(40):
            writer.write(np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8))
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    status, summary, err, frames = fuse(whole, broken)
    assert status == 1
    assert 5 < len(frames) == summary["frames"] < 30
    assert "broken.avi: the stream breaks off" in err
    assert summary["damage"][0] in err


@pytest.mark.parametrize("content", [None, b"", b"not a video" * 100])
def test_what_is_no_video_is_named(fuse, tmp_path, content):
    if content is not None:
        (tmp_path / "bad.mp4").write_bytes(content)
    status, summary, err, frames = fuse(write(tmp_path / "good.mkv"), tmp_path / "bad.mp4")
    assert (status, frames) == (1, [])
    assert "bad.mp4" in summary["error"]
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.glob("*out*")) == []


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (("{a}", "-o", "o.mp4"), 2, "1 video given"),
        (("{a}", "{b}"), 2, "-o OUT"),
        (("{a}", "{b}", "-o", "{b}"), 2, "never overwritten"),
        (("{a}", "{folder}", "-o", "o.mp4"), 1, "a folder, and a video file"),
        (("{a}", "{b}", "-o", "o.gif"), 1, "choose one of these"),
        (("{a}", "{b}", "-o", "o.mp4", "--codec", "ABCD"), 1, "cannot encode"),
        (("{a}", "{b}", "-o", "{a}/none/o.mp4"), 1, "cannot be written"),
        (("{a}", "{b}", "-o", "o.mp4", "--model", "nosuch"), 2, "nosuch"),
        (("{a}", "{b}", "-o", "o.mp4", "--resize", "wide"), 2, "wide"),
    ],
)
def test_impossible_commands_say_why(tmp_path, words, status, text):
    places = {"a": write(tmp_path / "a.mkv", 3), "b": write(tmp_path / "b.mkv", 3), "folder": tmp_path}
    model = () if "--model" in words else ("--model", "average")
    command = [sys.executable, "-m", "imfuse", "video", *(word.format(**places) for word in words), *model]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == status
    assert text in done.stderr
    # OpenCV prints a line of its own about an unknown codec, past its own log level.
    assert len([line for line in done.stderr.splitlines() if not line.startswith("OpenCV:")]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv", "b.mkv"]


def test_people_read_the_speed_and_where_it_lies(imfuse, tmp_path, capsys):
    sources = write(tmp_path / "a.avi"), write(tmp_path / "b.mp4")
    assert imfuse("video", *sources, "-o", tmp_path / "out.mp4", "--model", "average") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["fused", str(tmp_path / "out.mp4")]
    assert "10 frames by average in" in lines[-1]
    assert lines[-1].endswith("frames a second")


def test_the_registration_of_the_first_frames_is_kept(fuse, tmp_path):
    noise = np.random.default_rng(0).uniform(0, 1, (120, 160)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    scene = np.rint((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8)
    for name, shift in (("moved", (3, -4)), ("fixed", (0, 0))):
        with VideoWriter(tmp_path / f"{name}.mkv", 25, "FFV1") as writer:
            for index in range(6):
                writer.write(np.roll(scene, (shift[0], shift[1] + index), (0, 1)))
    status, _, _, frames = fuse(tmp_path / "moved.mkv", tmp_path / "fixed.mkv", "--align", "translation")
    assert status == 0
    for index, frame in enumerate(frames):
        wanted = np.roll(scene, (0, index), (0, 1))
        assert np.abs(frame.astype(float) - wanted)[10:-10, 10:-10].mean() < 3


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_an_interrupted_video_leaves_nothing(tmp_path):
    sources = [write(tmp_path / f"{name}.mkv", 60, size=(240, 320)) for name in "ab"]
    words = ["video", *map(str, sources), "-o", str(tmp_path / "out.mp4"), "--model", "guided"]
    process = subprocess.Popen([sys.executable, "-m", "imfuse", *words], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out.*.tmp.mp4")) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "imfuse: interrupted: the unfinished video is removed"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv", "b.mkv"]
