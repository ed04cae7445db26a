"""What was computed is kept by content, survives a kill, and is noticed to be out of date."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from imfuse.errors import EvaluationError
from imfuse.lab.bench.measuring import cache as module
from imfuse.lab.bench.measuring.cache import code_hash, content_hash, content_hashes, key_of, opened
from imfuse.lab.bench.measuring.standing import keep_standing, standing, state_of


def test_records_are_there_after_the_cache_was_closed(tmp_path):
    with opened(tmp_path / "report") as cache:
        cache.put("a", {"VIF": 0.1 + 0.2, "PSNR": math.inf, "name": "ü\udcfc"})
    with opened(tmp_path / "report") as cache:
        assert cache.get("a") == {"VIF": 0.1 + 0.2, "PSNR": math.inf, "name": "ü\udcfc"}
        assert cache.get("b") == {}


def test_the_last_record_of_a_key_counts(tmp_path):
    with opened(tmp_path) as cache:
        cache.put("a", {"x": 1})
        cache.put("a", {"x": 2})
    with opened(tmp_path) as cache:
        assert cache.get("a") == {"x": 2}


@pytest.mark.parametrize("torn", [b'["b", {"x', b"\xff\xfe", b"[1, 2]", b'["b", 3]', b"null"])
def test_a_line_that_a_kill_tore_is_passed_over_and_the_next_one_is_whole(tmp_path, torn):
    with opened(tmp_path) as cache:
        cache.put("a", {"x": 1})
        path = cache.path
    path.write_bytes(path.read_bytes() + torn)
    with opened(tmp_path) as cache:
        assert (cache.get("a"), cache.get("b")) == ({"x": 1}, {})
        cache.put("c", {"x": 3})
    with opened(tmp_path) as cache:
        assert cache.get("c") == {"x": 3}


def test_a_second_run_in_the_same_folder_is_kept_out(tmp_path):
    pytest.importorskip("fcntl")
    with opened(tmp_path), pytest.raises(EvaluationError, match="another imfuse is at work"), opened(tmp_path):
        pass
    with opened(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(EvaluationError, match=r"file: cannot be written to \(.*\); choose another folder"),
        opened(tmp_path / "file"),
    ):
        pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_write_protected_folder_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(EvaluationError, match="cannot be written to"), opened(tmp_path / "report"):
        pass


def test_content_alone_decides_a_hash(tmp_path):
    for name, text in (("a", "x"), ("b", "x"), ("c", "y")):
        (tmp_path / name).write_text(text)
    a, b, c, missing = content_hashes(tmp_path / name for name in ("a", "b", "c", "d")).values()
    assert a == b != c
    assert missing is None
    (tmp_path / "a").write_text("z")
    os.utime(tmp_path / "a", (1, 1))
    assert content_hash(tmp_path / "a") not in (a, c)


def test_keys_differ_where_a_part_does():
    assert len({key_of("a", "b"), key_of("ab"), key_of("b", "a"), key_of("a", None), key_of("a", ["b"])}) == 5


def test_code_counts_by_its_content(tmp_path, monkeypatch):
    (tmp_path / "metrics" / "__pycache__").mkdir(parents=True)
    (tmp_path / "metrics" / "vif.py").write_text("1")
    monkeypatch.setattr(module.imfuse, "__file__", str(tmp_path / "__init__.py"))
    seen = []
    for name, text in (("vif.py", "1"), ("__pycache__/vif.pyc", "2"), ("vif.py", "2"), ("new.py", "")):
        (tmp_path / "metrics" / name).write_text(text)
        code_hash.cache_clear()
        seen.append(code_hash("metrics"))
    code_hash.cache_clear()
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A folder with a source, and a report that was made of it for the request `1`."""
    (tmp_path / "ir").mkdir()
    (tmp_path / "ir" / "1.png").write_text("picture")
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "report.html").write_text("page")
    keep_standing(folder, state_of(1, [tmp_path / "ir"]), [folder / "report.html"], {"shown": [1.5]})
    return folder


def test_a_report_stands_as_long_as_nothing_has_changed(report):
    assert standing(report, state_of(1, [report.parent / "ir"])) == {"shown": [1.5]}


def test_a_report_does_not_stand_for_another_request(report):
    assert standing(report, state_of(2, [report.parent / "ir"])) is None


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
    assert standing(report, state_of(1, [report.parent / "ir"])) is None


@pytest.mark.parametrize("text", [None, "edited"])
def test_a_report_does_not_stand_after_what_it_wrote_was_changed(report, text):
    (report / "report.html").unlink()
    if text:
        (report / "report.html").write_text(text)
    assert standing(report, state_of(1, [report.parent / "ir"])) is None


@pytest.mark.parametrize("note", [b"", b"null", b"{}", b"[]", json.dumps({"state": "x", "files": 3}).encode()])
def test_a_damaged_note_makes_the_report_anew(report, note):
    (report / ".cache" / "standing.json").write_bytes(note)
    assert standing(report, state_of(1, [report.parent / "ir"])) is None
