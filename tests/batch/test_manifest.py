"""The manifest remembers across runs and survives a kill at any byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imfuse.batch.job import Job, Target
from imfuse.batch.manifest import FILE_NAME, Manifest, remove_stale_partials, source_state
from imfuse.errors import ImageWriteError
from imfuse.images.image import Stack

SETTINGS = {"model": "average", "depth": None, "value_range": ("dtype",)}


@pytest.fixture
def job(tmp_path) -> Job:
    sources = []
    for name in ("a", "b"):
        sources.append(tmp_path / f"{name}.png")
        sources[-1].write_bytes(b"source")
    return Job(Stack("x", tuple(sources)), Target(tmp_path / "out", "x"))


def finish(job: Job, settings: dict | None = None) -> Path:
    manifest = Manifest(job.target.folder, settings or SETTINGS)
    output = job.target.folder / "x.png"
    sources = source_state(job) or []
    manifest.begin(job, output)
    output.write_bytes(b"fused")
    manifest.finish(job, output, sources)
    return output


def found(job: Job, manifest: Manifest | None = None) -> Path | None:
    return (manifest or Manifest(job.target.folder, SETTINGS)).finished(job, source_state(job) or [])


def test_a_finished_job_is_found_by_the_next_run(job):
    output = finish(job)
    assert found(job) == output


def test_other_settings_do_not_count_as_finished(job):
    finish(job)
    other = Manifest(job.target.folder, {**SETTINGS, "depth": "16"})
    assert found(job, other) is None
    assert other.owns(job.target.folder / "x.png")


def test_a_changed_source_does_not_count_as_finished(job):
    finish(job)
    os.utime(job.stack.paths[0], (1, 1))
    assert found(job) is None


def test_a_missing_output_does_not_count_as_finished(job):
    finish(job).unlink()
    assert found(job) is None


def test_an_output_of_another_size_does_not_count_as_finished(job):
    output = finish(job)
    output.write_bytes(output.read_bytes()[:2])
    assert found(job) is None


def test_a_source_that_changes_while_it_is_fused_is_done_again(job):
    manifest = Manifest(job.target.folder, SETTINGS)
    before = source_state(job)
    assert before is not None
    job.stack.paths[0].write_bytes(b"another source")
    (job.target.folder / "x.png").write_bytes(b"fused")
    manifest.finish(job, job.target.folder / "x.png", before)
    assert found(job) is None


def test_a_missing_source_has_no_state(job):
    job.stack.paths[0].unlink()
    assert source_state(job) is None


def test_names_that_are_not_utf_8_are_remembered(job):
    odd = Job(Stack("x\udce9", job.stack.paths), job.target)
    manifest = Manifest(job.target.folder, SETTINGS)
    output = job.target.folder / "x.png"
    output.write_bytes(b"fused")
    manifest.finish(odd, output, source_state(odd) or [])
    assert found(odd) == output


def test_what_was_begun_is_owned_and_what_was_not_is_foreign(job):
    manifest = Manifest(job.target.folder, SETTINGS)
    manifest.begin(job, job.target.folder / "x.png")
    again = Manifest(job.target.folder, SETTINGS)
    assert again.owns(job.target.folder / "x.png")
    assert not again.owns(job.target.folder / "y.png")
    assert found(job, again) is None


def test_a_manifest_cut_off_at_any_byte_is_read_and_written_on(job):
    finish(job)
    path = job.target.folder / FILE_NAME
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        manifest = Manifest(job.target.folder, SETTINGS)
        # The last newline may be missing; the record before it is whole.
        assert (found(job, manifest) is not None) == (length >= len(whole) - 1)
        manifest.begin(job, job.target.folder / "later.png")
        assert Manifest(job.target.folder, SETTINGS).owns(job.target.folder / "later.png")


def test_lines_of_something_else_are_passed_over(job):
    job.target.folder.mkdir()
    (job.target.folder / FILE_NAME).write_bytes(b'[1]\n\xff\xfe\n{"state": "done"}\n')
    assert found(job) is None


def test_two_runs_in_one_folder_are_refused(job):
    pytest.importorskip("fcntl")
    first, second = (Manifest(job.target.folder, SETTINGS) for _ in range(2))
    with first.locked(), pytest.raises(ImageWriteError, match="another imfuse"), second.locked():
        pass
    with second.locked():
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ImageWriteError, match="file/out"):
        Manifest(tmp_path / "file" / "out", SETTINGS)


def test_only_partials_are_stale(tmp_path):
    (tmp_path / ".imfuse-00ff.partial").write_bytes(b"half")
    (tmp_path / "1.png").write_bytes(b"whole")
    assert remove_stale_partials(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["1.png"]
