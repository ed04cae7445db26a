"""A batch on this machine: jobs in threads, bad files passed over, what is done skipped.

Threads are enough: decoding, inference and encoding all leave Python's lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from imfuse.batch.job import FuseOptions, Job, Outcome
from imfuse.batch.manifest import Manifest, State, remove_stale_partials, source_state
from imfuse.errors import ImageWriteError, ImfuseError
from imfuse.runtime.cores import usable_cores
from imfuse.runtime.fuser import Fuser

MOST_WORKERS = 8


def default_workers() -> int:
    """One a core, up to eight."""
    return min(usable_cores(), MOST_WORKERS)


def threads_of(workers: int) -> int:
    """Threads of one inference where so many run at a time, so that all together have a thread a core."""
    return max(1, usable_cores() // workers)


def run_folder(
    fuser: Fuser,
    jobs: Sequence[Job],
    folder: Path,
    options: FuseOptions,
    *,
    workers: int = 1,
    overwrite: bool = False,
) -> Iterator[Outcome]:
    """Fuse jobs into a folder, going on where an earlier run stopped.

    Args:
        fuser: the model.
        jobs: all with `folder` as their target's folder.
        folder: it keeps a manifest of what was done with which settings.
        options: how to fuse; what was done with other options is done again.
        workers: jobs at a time.
        overwrite: do everything again, and replace files that no run of imfuse wrote.

    Yields:
        One outcome a job, in the order in which they end.

    Raises:
        ImageWriteError: the folder cannot be written to, or another run is at work in it.
    """
    manifest = Manifest(folder, settings(fuser, options))
    with manifest.locked():
        for place in (folder, folder / "sheets"):
            remove_stale_partials(place)

        def work(job: Job) -> Outcome:
            return run_in_folder(fuser, job, options, manifest, overwrite=overwrite)

        yield from _in_threads(work, jobs, workers)


def _in_threads(work: Callable[[Job], Outcome], jobs: Sequence[Job], workers: int) -> Iterator[Outcome]:
    """Outcomes as they come; on an interrupt the jobs under way are ended and the rest is dropped."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="imfuse")
    try:
        for future in as_completed([pool.submit(work, job) for job in jobs]):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def run_in_folder(fuser: Fuser, job: Job, options: FuseOptions, manifest: Manifest, *, overwrite: bool) -> Outcome:
    """One job of a folder run: skipped where it is done, noted in the manifest where it succeeds."""

    def approve(output: Path) -> None:
        if output.exists() and not overwrite and not manifest.owns(output):
            raise ImageWriteError(f"{output}: exists, and not from imfuse; use --overwrite or another folder")
        manifest.begin(job, output)

    sources = source_state(job)
    done = None if overwrite or sources is None else manifest.finished(job, sources)
    if done is not None:
        return Outcome(job, "skipped", done)
    outcome = run_one(fuser, job, options, approve)
    return outcome if outcome.output is None else _noted(outcome, outcome.output, manifest, sources)


def _noted(outcome: Outcome, output: Path, manifest: Manifest, sources: State | None) -> Outcome:
    """The outcome, noted in the manifest; failed where that cannot be written, since a rerun would do it again."""
    try:
        manifest.finish(outcome.job, output, sources or [])
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        text = f"{output} was written, but {manifest.path} could not be ({reason}); a rerun will do it again"
        return Outcome(outcome.job, "failed", reason=text)
    return outcome


def run_one(fuser: Fuser, job: Job, options: FuseOptions, approve: Callable[[Path], None] = lambda _: None) -> Outcome:
    """One job; whatever goes wrong becomes its outcome, so that one bad file never stops a batch."""
    from imfuse.batch.stacks import fuse_job

    start = time.perf_counter()
    try:
        product = fuse_job(fuser, job, options, approve)
    except ImfuseError as error:
        return Outcome(job, "failed", reason=str(error))
    except Exception as error:
        return Outcome(job, "failed", reason=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
    seconds = time.perf_counter() - start
    return Outcome(job, "fused", product.output, product.sheet, product.remarks, seconds=seconds)


def settings(fuser: Fuser, options: FuseOptions) -> dict[str, Any]:
    """What decides the pixels: the weights, or the version of the code where there are none, and the options."""
    from imfuse import __version__

    weights = fuser.card.sha256 if fuser.card is not None else __version__
    return {"model": fuser.name, "weights": weights, **options.as_settings()}
