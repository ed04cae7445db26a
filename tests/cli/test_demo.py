"""`imfuse demo` writes four pictures and says where."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np


def test_the_demo_writes_sources_fused_picture_and_sheet(imfuse, tmp_path, capsys):
    assert imfuse("demo", "-o", tmp_path / "new", "--model", "laplacian", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    pictures = {name: cv2.imread(summary[name]) for name in ("infrared", "visible", "fused", "sheet")}
    assert pictures["fused"].shape == pictures["visible"].shape == (480, 640, 3)
    assert summary["milliseconds"] > 0
    # Warm people show in the fused picture: it is nearer to the infrared there than the visible is.
    warm = pictures["infrared"].max(axis=2) > 220
    distance = {
        n: np.abs(pictures[n][warm].astype(int) - pictures["infrared"][warm]).mean() for n in ("visible", "fused")
    }
    assert distance["fused"] < distance["visible"]


def test_the_demo_says_where_the_pictures_lie(imfuse, tmp_path, capsys):
    assert imfuse("demo", "-o", tmp_path, "--model", "average", "--seed", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(Path(line.split()[1]).is_file() for line in lines[:4])
    assert lines[-1].startswith("fused 640x480 by average in ")


def test_a_folder_that_cannot_be_made_is_an_error(imfuse, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert imfuse("demo", "-o", tmp_path / "file" / "demo", "--model", "average") == 1
    assert "cannot be written" in capsys.readouterr().err
