"""A lock keeps others out, is let go of at the end, and does not outlive a killed process."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from imfuse.errors import ImfuseError
from imfuse.images.lock import locked

REFUSAL = ImfuseError("another one")
HOLD = """
import sys
from pathlib import Path
from imfuse.errors import ImfuseError
from imfuse.images.lock import locked
with locked(Path(sys.argv[1]), ImfuseError()):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_one_is_refused_until_the_first_has_ended(tmp_path: Path):
    pytest.importorskip("fcntl")
    path = tmp_path / "lock"
    with locked(path, REFUSAL), pytest.raises(ImfuseError, match="another one"), locked(path, REFUSAL):
        pass
    with locked(path, REFUSAL):
        pass


def test_a_killed_process_leaves_no_lock(tmp_path: Path):
    pytest.importorskip("fcntl")
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ImfuseError, match="another one"), locked(path, REFUSAL):
            pass
        holder.kill()
    with locked(path, REFUSAL):
        pass


def test_where_files_cannot_be_locked_nobody_is_kept_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fcntl = pytest.importorskip("fcntl")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    with locked(tmp_path / "lock", REFUSAL), locked(tmp_path / "lock", REFUSAL):
        pass
