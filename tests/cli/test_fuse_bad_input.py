"""`imfuse fuse` under attack: files that are no pictures, places that cannot be written to."""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


def _png_header(width: int, height: int) -> bytes:
    """A PNG whose header promises more than it holds."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(b"\0" * 100), b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _resize(path: Path) -> None:
    cv2.imwrite(str(path), np.zeros((9, 9), np.uint8))


ATTACKS: dict[str, Callable[[Path], object]] = {
    "truncated": _truncate,
    "empty": lambda path: path.write_bytes(b""),
    "not an image": lambda path: path.write_text("this is no picture"),
    "missing": lambda path: path.unlink(),
    "zip bomb": lambda path: path.write_bytes(_png_header(200_000, 200_000)),
    "larger than it says": lambda path: path.write_bytes(_png_header(64, 64)),
    "unequal size": _resize,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_bad_source_is_named_and_nothing_is_written(imfuse, pair, tmp_path, capsys, attack):
    ATTACKS[attack](pair[0])
    assert imfuse("fuse", *pair, "-o", tmp_path / "new" / "out.png", "--model", "average") == 1
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert len(err.strip().splitlines()) == 1
    assert attack == "unequal size" or str(pair[0]) in err
    assert not (tmp_path / "new" / "out.png").exists()


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name != "missing"])
def test_in_a_folder_the_bad_file_is_reported_and_the_rest_is_finished(imfuse, folders, capsys, attack):
    ATTACKS[attack](folders[0] / "2.png")
    output = folders[0].parent / "out"
    assert imfuse("fuse", *folders, "-o", output, "--model", "average", "--json") == 1
    out, err = capsys.readouterr()
    summary = json.loads(out)
    assert [record["name"] for record in summary["failed"]] == ["2"]
    assert summary["failed"][0]["reason"] in err
    assert sorted(path.name for path in output.glob("*.png")) == ["0.png", "1.png", "3.png", "4.png", "5.png"]


def test_a_folder_in_the_place_of_a_picture_and_strays_are_left_out(imfuse, folders, capsys):
    _make_folder(folders[0] / "2.png")
    (folders[0] / "notes.txt").write_text("a stray")
    (folders[1] / ".hidden.png").write_bytes(b"")
    output = folders[0].parent / "out"
    assert imfuse("fuse", *folders, "-o", output, "--model", "average", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert len(summary["fused"]) == 5
    assert summary["unmatched"] == [str(folders[1] / "2.png")]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is readable to root")
def test_an_unreadable_source_is_named(imfuse, pair, tmp_path, capsys):
    pair[0].chmod(0)
    assert imfuse("fuse", *pair, "-o", tmp_path / "out.png", "--model", "average") == 1
    assert str(pair[0]) in capsys.readouterr().err


@pytest.mark.parametrize("name", ["out.png", "folder/", "folder"])
def test_an_output_below_a_file_cannot_be_written(imfuse, pair, tmp_path, capsys, name):
    (tmp_path / "file").write_text("in the way")
    assert imfuse("fuse", *pair, "-o", f"{tmp_path / 'file'}/{name}", "--model", "average") == 1
    err = capsys.readouterr().err
    assert "cannot be written" in err
    assert "Traceback" not in err
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux")
def test_an_output_on_a_read_only_place_cannot_be_written(imfuse, pair, folders, capsys):
    assert imfuse("fuse", *pair, "-o", "/proc/out.png", "--model", "average") == 1
    assert "/proc/out.png" in capsys.readouterr().err
    assert imfuse("fuse", *folders, "-o", "/proc/out", "--model", "average") == 1
    assert "/proc/out" in capsys.readouterr().err


def test_an_error_that_nobody_foresaw_fails_one_picture_only(imfuse, folders, capsys, monkeypatch):
    from imfuse.runtime.fuser import Fuser

    calls = iter(range(100))
    fuse_images = Fuser.fuse_images

    def sometimes(self, images, **options):
        if next(calls) == 0:
            raise RuntimeError("an inner\nerror " + "x" * 1000)
        return fuse_images(self, images, **options)

    monkeypatch.setattr(Fuser, "fuse_images", sometimes)
    assert imfuse("fuse", *folders, "-o", folders[0].parent / "out", "--model", "average", "-j", "1") == 1
    out, err = capsys.readouterr()
    assert "RuntimeError: an inner error xx" in err
    assert len(err.strip().splitlines()) == 1
    assert "5 fused, 0 done before, 1 failed" in out
