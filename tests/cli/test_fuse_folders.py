"""`imfuse fuse` on folders: pairing, going on after an end, never overwriting what is not its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from imfuse.batch.manifest import FILE_NAME


@pytest.fixture
def summary(imfuse, folders, capsys):
    """Fuses the folders into `out` and returns the exit status and the JSON summary with names only."""

    def run(*words):
        status = imfuse("fuse", *folders, "-o", folders[0].parent / "out", "--json", *words)
        found = json.loads(capsys.readouterr().out)
        names = {key: [record["name"] for record in found.get(key, [])] for key in ("fused", "skipped", "failed")}
        return status, names

    return run


ALL = ["0", "1", "2", "3", "4", "5"]


def test_every_pair_is_fused_under_its_stem(summary, folders):
    status, names = summary("--model", "average")
    assert status == 0
    assert names == {"fused": ALL, "skipped": [], "failed": []}
    assert sorted(path.name for path in (folders[0].parent / "out").iterdir()) == [
        FILE_NAME,
        *(f"{name}.png" for name in ALL),
    ]


def test_jobs_at_a_time_give_the_same_pictures(imfuse, folders):
    base = folders[0].parent
    for jobs in ("1", "3"):
        assert imfuse("fuse", *folders, "-o", base / jobs, "--model", "laplacian", "-j", jobs) == 0
    for name in ALL:
        assert (base / "1" / f"{name}.png").read_bytes() == (base / "3" / f"{name}.png").read_bytes()


def test_a_rerun_skips_what_is_done(summary, folders):
    summary("--model", "average")
    before = {path: path.stat().st_mtime_ns for path in (folders[0].parent / "out").iterdir()}
    status, names = summary("--model", "average")
    assert (status, names["skipped"]) == (0, ALL)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_rerun_does_what_was_deleted_or_has_changed(summary, folders):
    summary("--model", "average")
    (folders[0].parent / "out" / "1.png").unlink()
    cv2.imwrite(str(folders[1] / "4.png"), np.zeros((24, 32, 3), np.uint8))
    _, names = summary("--model", "average")
    assert names["fused"] == ["1", "4"]
    assert names["skipped"] == ["0", "2", "3", "5"]


@pytest.mark.parametrize("words", [("maximum",), ("average", "--depth", "16"), ("average", "--format", "jpg")])
def test_other_options_do_everything_again(summary, words):
    summary("--model", "average")
    _, names = summary("--model", *words)
    assert names["fused"] == ALL
    _, names = summary("--model", *words)
    assert names["skipped"] == ALL


def test_a_picture_from_elsewhere_is_not_overwritten(summary, folders):
    theirs = folders[0].parent / "out" / "3.png"
    theirs.parent.mkdir()
    theirs.write_bytes(b"precious")
    status, names = summary("--model", "average")
    assert status == 1
    assert names["failed"] == ["3"]
    assert theirs.read_bytes() == b"precious"
    status, names = summary("--model", "average", "--overwrite")
    assert status == 0
    assert names["fused"] == ALL
    assert theirs.read_bytes() != b"precious"


def test_files_without_partner_are_listed(imfuse, folders, capsys):
    (folders[1] / "0.png").unlink()
    (folders[0] / "5.png").unlink()
    assert imfuse("fuse", *folders, "-o", folders[0].parent / "out", "--model", "average") == 0
    out, err = capsys.readouterr()
    assert "4 fused, 0 done before, 0 failed, 2 without partner" in out
    assert f"{folders[0] / '0.png'}: no partner" in err
    assert f"{folders[1] / '5.png'}: no partner" in err


def test_folders_that_share_no_name_are_an_error(imfuse, folders, capsys):
    for path in folders[1].iterdir():
        path.rename(path.with_name(f"other_{path.name}"))
    assert imfuse("fuse", *folders, "-o", folders[0].parent / "out", "--model", "average") == 1
    assert "no picture has a partner" in capsys.readouterr().err


def test_one_folder_is_paired_by_a_pattern(imfuse, folders):
    mixed = folders[0].parent / "mixed"
    mixed.mkdir()
    for folder in folders:
        for path in folder.iterdir():
            path.rename(mixed / f"{path.stem}_{folder.name}.png")
    words = ("--pattern", "{id}_ir.png", "{id}_vis.png", "-o", mixed.parent / "out", "--model", "average")
    assert imfuse("fuse", mixed, *words) == 0
    assert (mixed.parent / "out" / "4.png").is_file()


@pytest.mark.parametrize("place", [0, 1])
def test_a_source_folder_is_no_output_folder(imfuse, folders, capsys, place):
    before = sorted(folders[place].iterdir())
    assert imfuse("fuse", *folders, "-o", folders[place], "--model", "average", "--overwrite") == 2
    assert "never overwritten" in capsys.readouterr().err
    assert sorted(folders[place].iterdir()) == before


def _many_pairs(base: Path, count: int) -> tuple[Path, Path]:
    random = np.random.default_rng(0)
    for name in ("ir", "vis"):
        (base / name).mkdir()
        for index in range(count):
            cv2.imwrite(str(base / name / f"{index}.png"), random.integers(0, 256, (300, 400), np.uint8))
    return base / "ir", base / "vis"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX")
def test_after_kill_9_nothing_is_half_written_and_the_same_command_goes_on(imfuse, tmp_path, capsys):
    folders = _many_pairs(tmp_path, 24)
    words = ["fuse", *map(str, folders), "-o", str(tmp_path / "out"), "--model", "guided"]
    process = subprocess.Popen([sys.executable, "-m", "imfuse", *words], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "out").glob("*.png"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.002)
    process.kill()
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.png")}
    assert 3 <= len(done) < 24
    assert all(cv2.imread(str(path)) is not None for path in done)
    # What a kill in the middle of a write leaves, in case this one fell between two.
    (tmp_path / "out" / ".imfuse-0123456789abcdef.partial").write_bytes(b"half")
    with (tmp_path / "out" / FILE_NAME).open("ab") as manifest:
        manifest.write(b'{"state": "done", "name": "23", "outp')
    assert imfuse(*words, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert len(summary["fused"]) + len(summary["skipped"]) == 24
    # A picture whose file was there but not yet noted is done again: at most one a worker.
    assert len(summary["skipped"]) >= len(done) - 8
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [FILE_NAME, *(f"{index}.png" for index in range(24))]
    )
    skipped = [Path(record["output"]) for record in summary["skipped"]]
    assert all(path.stat().st_mtime_ns == done[path] for path in skipped)
    assert imfuse(*words, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["skipped"]) == 24


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or sys.platform == "win32", reason="POSIX signals")
def test_an_interrupt_keeps_what_is_done_and_says_how_to_go_on(tmp_path):
    folders = _many_pairs(tmp_path, 40)
    words = ["fuse", *map(str, folders), "-o", str(tmp_path / "out"), "--model", "guided"]
    process = subprocess.Popen([sys.executable, "-m", "imfuse", *words], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "out").glob("*.png"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "imfuse: interrupted: what is done is kept; the same command goes on from there"
    assert not list((tmp_path / "out").glob("*.partial"))


def test_a_manifest_that_cannot_be_written_fails_its_picture_and_not_the_batch(summary, monkeypatch):
    from imfuse.batch.manifest import Manifest

    finish = Manifest.finish

    def full(self, job, output, sources):
        if job.stack.name == "2":
            raise OSError(28, "No space left on device")
        finish(self, job, output, sources)

    monkeypatch.setattr(Manifest, "finish", full)
    status, names = summary("--model", "average")
    assert status == 1
    assert names["failed"] == ["2"]
    assert len(names["fused"]) == 5


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems refuse such names")
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_names_that_are_not_utf_8_are_fused_and_shown(folders, words):
    for folder in folders:
        (folder / "2.png").rename(folder / "m\udcfcn.png")
    out = folders[0].parent / "out"
    command = [sys.executable, "-m", "imfuse", "fuse", *folders, "-o", out, "--model", "average", *words]
    for counts in ("6 fused, 0 done before", "0 fused, 6 done before"):
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b'"name": "m\\udcfcn"' in done.stdout if words else counts.encode() in done.stdout
    (folders[1] / "m\udcfcn.png").unlink()
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert b"m\\udcfcn.png: no partner" in done.stderr
