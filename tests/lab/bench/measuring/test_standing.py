"""A report that is out of date is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imfuse.lab.bench.measuring.hashing import FileHashes
from imfuse.lab.bench.measuring.standing import keep_standing, standing, state_of


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A folder with a source, and a report that was made of it for the request `1`."""
    (tmp_path / "ir").mkdir()
    (tmp_path / "ir" / "1.png").write_text("picture")
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "report.html").write_text("page")
    keep_standing(
        folder, state_of(1, [tmp_path / "ir"], FileHashes()), [folder / "report.html"], {"shown": [1.5]}, FileHashes()
    )
    return folder


def stands(report: Path, request: int):
    hashes = FileHashes()
    return standing(report, state_of(request, [report.parent / "ir"], hashes), hashes)


def test_a_report_stands_as_long_as_nothing_has_changed(report):
    assert stands(report, 1) == {"shown": [1.5]}


def test_a_report_does_not_stand_for_another_request(report):
    assert stands(report, 2) is None


@pytest.mark.parametrize("change", ["edit", "add", "remove", "rename"])
def test_a_report_does_not_stand_after_a_change_of_its_sources(report, change):
    picture = report.parent / "ir" / "1.png"
    if change == "edit":
        picture.write_text("another")
    elif change == "add":
        picture.with_name("2.png").write_text("picture")
    elif change == "remove":
        picture.unlink()
    else:
        picture.rename(picture.with_name("2.png"))
    assert stands(report, 1) is None


@pytest.mark.parametrize("text", [None, "edited"])
def test_a_report_does_not_stand_after_what_it_wrote_was_changed(report, text):
    (report / "report.html").unlink()
    if text:
        (report / "report.html").write_text(text)
    assert stands(report, 1) is None


@pytest.mark.parametrize("note", [b"", b"null", b"{}", b"[]", json.dumps({"state": "x", "files": 3}).encode()])
def test_a_damaged_note_makes_the_report_anew(report, note):
    (report / ".cache" / "standing.json").write_bytes(note)
    assert stands(report, 1) is None
