"""Files of training scenes looked at before the training, so that none ends it when it is drawn hours later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imfuse.errors import ImageReadError, RecipeError
from imfuse.images.image import Stack

EXAMPLES = 5
TRANSPOSED = 5
"""EXIF orientations from this one up exchange height and width."""


def check_files(stacks: Sequence[Stack]) -> None:
    """Read what the files of all scenes say of themselves, without decoding them.

    Raises:
        RecipeError: names up to five scenes whose sources differ in size, or have a file that cannot be read.
    """
    faults = [fault for stack in stacks if (fault := _fault(stack))]
    if faults:
        named = "".join(f"\n  {fault}" for fault in faults[:EXAMPLES])
        rest = f"\n  and {len(faults) - EXAMPLES} more" if len(faults) > EXAMPLES else ""
        raise RecipeError(
            f"field data.sets: training needs sources of one size and aligned; {len(faults)} of {len(stacks)} scenes "
            f"are not, so mend or remove their files (sizes are height, width):{named}{rest}"
        )


def stored_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture once it is turned upright, from its header alone where it has one.

    Raises:
        ImageReadError: the file cannot be read, is damaged or is no picture.
    """
    from imfuse.images.decoding import read_header
    from imfuse.images.files import read_image
    from imfuse.images.medical import is_dicom
    from imfuse.images.storage import read_file

    if is_dicom(path):
        return read_image(path).size
    try:
        header = read_header(read_file(path))
    except ValueError as error:
        raise ImageReadError(f"{path} {error}") from error
    if header.flaw:
        raise ImageReadError(f"{path} {header.flaw}")
    turned = header.orientation >= TRANSPOSED
    return (header.width, header.height) if turned else (header.height, header.width)


def _fault(stack: Stack) -> str | None:
    try:
        sizes = [stored_size(path) for path in stack.paths]
    except ImageReadError as error:
        return str(error)
    if len(set(sizes)) == 1:
        return None
    return ", ".join(f"{path} {size}" for path, size in zip(stack.paths, sizes, strict=True))
