"""Files are known by their content, which is read again only where the file has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imfuse.lab.bench.measuring import hashing as module
from imfuse.lab.bench.measuring.hashing import FileHashes, code_hash, key_of
from imfuse.runtime.card import file_sha256

LONG_AGO = 10**18


@pytest.fixture
def read(monkeypatch):
    """The files that are really read."""
    paths = []

    def watched(path):
        paths.append(path)
        return file_sha256(path)

    monkeypatch.setattr(module, "file_sha256", watched)
    return paths


def write(path: Path, text: str, changed: int = LONG_AGO) -> Path:
    path.write_text(text)
    os.utime(path, ns=(changed, changed))
    return path


def test_content_alone_decides_a_hash(tmp_path):
    for name, text in (("a", "x"), ("b", "x"), ("c", "y")):
        write(tmp_path / name, text)
    hashes = FileHashes()
    a, b, c, missing = hashes.all_of(tmp_path / name for name in ("a", "b", "c", "d")).values()
    assert a == b != c
    assert missing is None
    write(tmp_path / "a", "z", LONG_AGO + 1)
    assert hashes.of(tmp_path / "a") not in (a, c)


def test_a_file_is_read_once_by_all_runs(tmp_path, read):
    path = write(tmp_path / "a", "x")
    first = FileHashes(tmp_path / "kept.json")
    before = first.of(path)
    first.keep()
    assert FileHashes(tmp_path / "kept.json").of(path) == before
    assert read == [path]


@pytest.mark.parametrize("change", ["time", "size", "inode"])
def test_a_changed_file_is_read_again(tmp_path, read, change):
    path = write(tmp_path / "a", "x")
    first = FileHashes(tmp_path / "kept.json")
    before = first.of(path)
    first.keep()
    if change == "inode":
        write(tmp_path / "b", "y").replace(path)
    else:
        write(path, *{"time": ("y", LONG_AGO + 1), "size": ("yy", LONG_AGO)}[change])
    assert FileHashes(tmp_path / "kept.json").of(path) != before
    assert len(read) == 2


def test_a_file_that_has_just_changed_is_not_trusted_by_the_next_run(tmp_path, read):
    (tmp_path / "a").write_text("x")
    first = FileHashes(tmp_path / "kept.json")
    first.of(tmp_path / "a")
    first.keep()
    FileHashes(tmp_path / "kept.json").of(tmp_path / "a")
    assert len(read) == 2


@pytest.mark.parametrize("damaged", [b"", b"[]", b'{"a": 3}', b'{"a": [1, 2]}', b"\xff"])
def test_damaged_notes_are_passed_over(tmp_path, damaged):
    (tmp_path / "kept.json").write_bytes(damaged)
    path = write(tmp_path / "a", "x")
    hashes = FileHashes(tmp_path / "kept.json")
    assert hashes.of(path) == file_sha256(path)
    hashes.keep()
    assert FileHashes(tmp_path / "kept.json").of(path) == file_sha256(path)


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
