"""Whole files in and out: clear errors on reading, all or nothing on writing."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from imfuse.errors import ImageReadError, ImageWriteError


def check_readable(path: Path) -> None:
    """Say why a path is no file that could be read.

    Raises:
        ImageReadError: nothing is there, it is a folder or a device, it is empty, or it may not be read.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise ImageReadError(f"{path} is a folder, and an image file was expected; name a file in it")
        if not path.is_file():
            raise ImageReadError(f"{path} is a pipe or a device, and an image file was expected")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ImageReadError(f"{path} cannot be read: {_reason(error)}; check the name and the permissions") from error
    if size == 0:
        raise ImageReadError(f"{path} is empty (0 bytes); copy or export it again")


def read_file(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        ImageReadError: as `check_readable`.
    """
    check_readable(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageReadError(f"{path} cannot be read: {_reason(error)}") from error


def write_file(path: Path, data: bytes) -> None:
    """Write a file so that its name holds either all of the new bytes or what it held before, after a power cut too.

    The bytes go to `.imfuse-<random>.partial` in the same folder, which is then renamed; only a kill in between
    leaves that hidden file behind. Missing parent folders are made.

    Raises:
        ImageWriteError: the folder or the file is write-protected, the disk is full, or a folder has that name.
    """
    partial = path.parent / f".imfuse-{secrets.token_hex(8)}.partial"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            path.open("r+b").close()  # a rename would replace a write-protected file without a word
        try:
            _write_through(partial, data)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        raise ImageWriteError(
            f"{path} cannot be written: {_reason(error)}; check the folder, or choose another"
        ) from error


def _write_through(path: Path, data: bytes) -> None:
    """Write a file down to the disk: a rename may get there before bytes that are still in memory."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def first_line(error: Exception) -> str:
    """What an error of another library says, without the traces that some put into their texts."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
