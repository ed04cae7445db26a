"""Sources brought onto the second one, and what to show where they do not reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import AlignmentError
from imfuse.images.colour import luma
from imfuse.images.depth import from_unit, to_unit
from imfuse.images.image import Image, Pixels

if TYPE_CHECKING:
    from imfuse.align import Alignment, Motion

REFERENCE = 1
"""Index of the source onto which the others are registered: the visible picture, the MRI."""


@dataclass(frozen=True, eq=False)
class Registration:
    """An alignment, and the pixels of the reference that the moving source does not reach.

    Attributes:
        alignment: the map and its scores.
        missing: `(h, w)` of the reference.
    """

    alignment: Alignment
    missing: NDArray[np.bool_]

    def apply(self, moving: Pixels, reference: Pixels) -> Pixels:
        """The moving source in the place of the reference; where it shows nothing it repeats the reference.

        Black there would be fused as if it were seen.
        """
        warped = self.alignment.warp(moving)
        if self.missing.any():
            warped[self.missing] = _in_values_of(moving, reference)[self.missing]
        return warped

    def apply_alpha(self, moving: Image, reference: Image) -> Pixels | None:
        """The alpha of the moving source in its new place; what repeats the reference is as opaque as that is."""
        if moving.alpha is None:
            return None
        warped = self.alignment.warp(moving.alpha)
        opacity = np.ones(reference.size, np.float32) if reference.alpha is None else to_unit(reference.alpha)
        warped[self.missing] = from_unit(opacity, warped.dtype)[self.missing]
        return warped


def find_registration(moving: Pixels, reference: Pixels, motion: Motion) -> Registration:
    """Register one source.

    Raises:
        AlignmentError: the match did not improve.
    """
    from imfuse.align import align

    alignment = align(moving, reference, motion=motion)
    return Registration(alignment, ~alignment.covered())


def register_images(
    images: Sequence[Image], names: Sequence[str], motion: Motion
) -> tuple[list[Image], tuple[str, ...]]:
    """Register all images onto the second one.

    Returns:
        The images in the size of the second, and one remark for each that was moved.

    Raises:
        AlignmentError: naming the source whose match did not improve.
    """
    reference = images[REFERENCE]
    registered, remarks = list(images), []
    for index, image in enumerate(images):
        if index == REFERENCE:
            continue
        try:
            found = find_registration(image.pixels, reference.pixels, motion)
        except AlignmentError as error:
            raise AlignmentError(f"{names[index]} onto {names[REFERENCE]}: {error}") from error
        moved = found.apply(image.pixels, reference.pixels)
        registered[index] = replace(image, pixels=moved, alpha=found.apply_alpha(image, reference))
        remarks.append(remark(found, names[index], names[REFERENCE]))
    return registered, tuple(remarks)


def remark(registration: Registration, moving: str, reference: str) -> str:
    """What a person should know of a registration."""
    alignment = registration.alignment
    covered = f"{1 - registration.missing.mean():.0%} of the picture covered"
    if alignment.score_after <= alignment.score_before:
        return (
            f"{moving} not moved: nothing matches {reference} better than where it lies (match "
            f"{alignment.score_before:.3f}), {covered}"
        )
    return (
        f"{moving} aligned onto {reference}: match {alignment.score_before:.3f} before, {alignment.score_after:.3f} "
        f"after, {covered}"
    )


def _in_values_of(moving: Pixels, reference: Pixels) -> Pixels:
    """The reference in the type, the channels and, where it is deeper than 8 bits, the range of the moving source."""
    seen: Any = reference if moving.ndim == 3 else luma(reference)
    if moving.ndim == 3 and seen.ndim == 2:
        seen = np.repeat(seen[..., None], 3, axis=2)
    low, high = (0.0, 255.0) if moving.dtype == np.uint8 else (float(moving.min()), float(moving.max()))
    values: Any = low + to_unit(seen) * (high - low)
    return (values if moving.dtype.kind == "f" else np.rint(values)).astype(moving.dtype)
