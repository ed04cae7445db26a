"""What was computed is kept, survives a kill, and is one run's at a time."""

from __future__ import annotations

import contextlib
import errno
import math
import os

import pytest

from imfuse.errors import EvaluationError
from imfuse.lab.bench.measuring import store as module
from imfuse.lab.bench.measuring.store import opened


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


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_folder_that_knows_no_locks_is_used_without(tmp_path, monkeypatch, code):
    fcntl = pytest.importorskip("fcntl")

    def flock(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    with opened(tmp_path) as cache:
        cache.put("a", {"x": 1})
    with opened(tmp_path) as cache:
        assert cache.get("a") == {"x": 1}


def test_the_cache_is_read_after_the_others_are_kept_out(tmp_path, monkeypatch):
    with opened(tmp_path) as cache:
        cache.put("a", {"x": 1})

    @contextlib.contextmanager
    def late(path, _refusal):
        with path.with_name("cache.jsonl").open("ab") as file:  # the end of another run
            file.write(b'["b", {"x": 2}]\n')
        yield

    monkeypatch.setattr(module, "locked", late)
    with opened(tmp_path) as cache:
        assert cache.get("b") == {"x": 2}


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
