"""Scenes measured side by side in processes of their own, one thread each; what ends first is yielded first."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process

from imfuse.errors import EvaluationError
from imfuse.lab.bench.measuring.measure import Measured, Task, measure_scene
from imfuse.lab.bench.measuring.workers import count_workers

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def measure(tasks: Sequence[Task], jobs: int) -> Iterator[Measured]:
    """Measure scenes, in the order in which they end.

    Args:
        tasks: one a scene.
        jobs: processes at a time, fewer where there is little work or memory; with one, this process does it.

    Raises:
        EvaluationError: a process was killed, most likely for want of memory.
    """
    workers = count_workers(tasks, jobs)
    if workers < 2:
        yield from map(measure_scene, tasks)
        return
    # Spawned, since a fork of a process that has used PyTorch may hang.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker)
    try:
        with _deaf(), _one_thread_in_children():
            futures = [pool.submit(measure_scene, task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise EvaluationError(
            "a process that measured was killed, most likely for want of memory; use fewer --jobs. What is measured "
            "is kept; the same command goes on from there"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Ignore interrupts, as do processes that begin meanwhile: the parent alone is to answer them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _one_thread_in_children() -> Iterator[None]:
    """Say it where processes that begin meanwhile inherit it: numeric libraries ask once, when they are loaded."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start_worker() -> None:
    """One thread a process, whose end is that of its parent."""
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it is not inherited
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed tells nobody, and its workers would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
