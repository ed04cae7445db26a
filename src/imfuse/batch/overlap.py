"""Decoding, fusing and encoding at the same time: threads joined by bounded queues."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

DEPTH = 8
"""Items that may wait in a queue: enough to smooth jitter, few enough for large frames."""

_PAUSE = 0.1


class _End:
    """Marks the end of a queue, with the error that brought it, if any."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Prefetch(Generic[Item]):
    """Runs an iterable in a thread of its own, up to `depth` items ahead of whoever reads it.

    Errors of the iterable are raised where it is read. Close it when leaving early.

    >>> with Prefetch(range(3)) as numbers:
    ...     list(numbers)
    [0, 1, 2]
    """

    def __init__(self, source: Iterable[Item], depth: int = DEPTH) -> None:
        self._source = source
        self._queue: queue.Queue[Item | _End] = queue.Queue(depth)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._produce, daemon=True)
        self._thread.start()

    def _produce(self) -> None:
        end = _End()
        try:
            for item in self._source:
                if not self._put(item):
                    return
        except BaseException as error:
            end = _End(error)
        self._put(end)

    def _put(self, item: Item | _End) -> bool:
        """Wait for room, unless the reader has gone."""
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(item, timeout=_PAUSE)
                return True
        return False

    def __iter__(self) -> Iterator[Item]:
        """Items in their order."""
        while not isinstance(item := self._queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    def close(self) -> None:
        """Stop the thread after the item that it is at."""
        self._stopped.set()
        self._thread.join()

    def __enter__(self) -> Prefetch[Item]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class WriteBehind(Generic[Item]):
    """Hands items to `write` in a thread of its own; its error is raised at the next `put` or at the end.

    >>> taken = []
    >>> with WriteBehind(taken.append) as sink:
    ...     sink.put(1)
    >>> taken
    [1]
    """

    def __init__(self, write: Callable[[Item], None], depth: int = DEPTH) -> None:
        self._write = write
        self._queue: queue.Queue[Item | _End] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._consume, daemon=True)
        self._thread.start()

    def _consume(self) -> None:
        while not isinstance(item := self._queue.get(), _End):
            # After an error the queue is still emptied, so that nobody waits for room in it for ever.
            if self._error is None and not self._abandoned:
                try:
                    self._write(item)
                except BaseException as error:
                    self._error = error

    def put(self, item: Item) -> None:
        """Queue one item, waiting for room.

        Raises:
            BaseException: whatever `write` raised for an earlier item.
        """
        self._raise()
        self._queue.put(item)

    def close(self) -> None:
        """Wait until all items are written."""
        self._queue.put(_End())
        self._thread.join()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def __enter__(self) -> WriteBehind[Item]:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            # The caller's error is the one to tell; the thread only has to end.
            self._abandoned = True
            self._queue.put(_End())
            self._thread.join()
