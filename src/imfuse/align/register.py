"""`align`: find the map of one picture onto another of the same scene, or refuse with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imfuse.align.alignment import Alignment
from imfuse.align.ecc import MOTIONS, Motion, match_score, refine_by_ecc
from imfuse.align.edges import Level, make_levels, warped
from imfuse.align.geometry import Matrix, Size, overlap, shift
from imfuse.align.phase import ANGLES, correlate, refine_by_phase, search
from imfuse.errors import AlignmentError
from imfuse.images.colour import luma
from imfuse.images.depth import to_unit
from imfuse.images.image import Pixels

Method = Literal["ecc", "phase"]

METHODS: tuple[str, ...] = get_args(Method)

CANDIDATES = 3
"""Rotations of the search from which ECC sets out, beside the identity."""

LEAST_OVERLAP = 0.5
LEAST_DISTINCT = 8.5
"""Height over noise of the correlation's peak below which a match may be chance."""

FARTHEST_PEAK = 4.0
"""Pixels of the coarsest level that the correlation's peak may lie off after the registration."""


def align(moving: Pixels, fixed: Pixels, *, motion: Motion = "euclidean", method: Method = "ecc") -> Alignment:
    """Register a picture onto another of the same scene, of the same modality or not.

    Coarse to fine on oriented edges: phase correlation over rotations of up to 7.5 degrees finds the shift, then ECC
    or finer phase correlation goes on to a fraction of a pixel. Shifts may reach about a third of the picture.

    Args:
        moving: `(h, w)` or `(h, w, 3)` RGB; uint8, uint16 or float.
        fixed: the same, of any size: the scale sets out from the ratio of the sizes.
        motion: what the map may be; `translation` and `euclidean` keep the scale that the ratio of the sizes gives.
        method: `ecc`, or `phase` for `translation` and `euclidean`.

    Returns:
        The map with the scores before and after it. Of pictures that match already and cannot be matched better,
        the map is the one from which the search set out.

    Raises:
        AlignmentError: a constant or non-finite picture, an unknown option, or a result that is refused: no match
            that stands out, or less than half of the picture in common.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> scene = np.kron(rng.random((15, 20)), np.ones((16, 16)))
        >>> moving, fixed = scene[:200, :280], scene[7:207, 12:292]
        >>> align(moving, fixed).matrix.round(1)[:2, 2] + 0.0
        array([-12.,  -7.])
    """
    _check_options(motion, method)
    sources = _grey(moving, "moving"), _grey(fixed, "fixed")
    sizes = _size(sources[0]), _size(sources[1])
    start, levels, found = min(
        (_searched(*sources, scale, motion) for scale in _scales(*sizes)),
        key=lambda searched: -searched[2][0][0].distinctness,
    )
    candidates = [matrix for _, matrix in found[:CANDIDATES]]
    matrix = _by_ecc(levels, [*candidates, levels[0].scaled(start)], motion) if method == "ecc" else None
    if matrix is None:
        matrix = _by_phase(levels, candidates[0], motion)
    before, after = (match_score(levels[-1], levels[-1].scaled(each)) for each in (start, matrix))
    if after < before:
        matrix = start
    alignment = Alignment(matrix, before, max(before, after), overlap(matrix, *sizes), *sizes)
    _check_result(alignment, levels[0])
    return alignment


def _searched(
    moving: NDArray[np.float32], fixed: NDArray[np.float32], scale: float, motion: Motion
) -> tuple[Matrix, list[Level], list]:
    """The map with the centres on each other, the levels, and the candidates of the search at the coarsest level."""
    start = _centred(_size(moving), _size(fixed), scale)
    levels = make_levels(moving, fixed, scale)
    angles: Sequence[float] = (0.0,) if motion == "translation" else ANGLES
    return start, levels, search(levels[0], levels[0].scaled(start), angles)


def _by_ecc(levels: list[Level], starts: list[Matrix], motion: Motion) -> Matrix:
    """The best candidate, refined as a rigid motion at the coarsest level, then with all freedom at each level."""
    rigid: Motion = "translation" if motion == "translation" else "euclidean"
    _, matrix = max((refine_by_ecc(levels[0], start, rigid) for start in starts), key=lambda found: found[0])
    matrix = levels[0].full(matrix)
    for level in levels:
        _, refined = refine_by_ecc(level, level.scaled(matrix), motion)
        matrix = level.full(refined)
    return matrix


def _by_phase(levels: list[Level], start: Matrix, motion: Motion) -> Matrix:
    """The best candidate, refined level by level with ever smaller steps of the rotation."""
    step = 0.0 if motion == "translation" else float(ANGLES[1] - ANGLES[0])
    matrix = levels[0].full(start)
    for level in levels:
        step /= 2
        matrix = level.full(refine_by_phase(level, level.scaled(matrix), step))
    return matrix


def _check_result(alignment: Alignment, coarsest: Level) -> None:
    """Refuse what is no match.

    Raises:
        AlignmentError: with the reason.
    """
    size = (coarsest.fixed.shape[0], coarsest.fixed.shape[1])
    peak = correlate(coarsest.fixed, warped(coarsest.moving, coarsest.scaled(alignment.matrix), size))
    if alignment.overlap < LEAST_OVERLAP:
        reason = f"the best match has {alignment.overlap:.0%} of the picture in common, expected {LEAST_OVERLAP:.0%}"
    elif peak.distinctness < LEAST_DISTINCT:
        reason = (
            f"the best match stands {peak.distinctness:.1f} times above the noise, expected {LEAST_DISTINCT:g} "
            f"(score {alignment.score_before:.3f} before, {alignment.score_after:.3f} after)"
        )
    elif np.hypot(peak.dx, peak.dy) > FARTHEST_PEAK:
        reason = f"the refinement ended {np.hypot(peak.dx, peak.dy):.0f} pixels from the best match"
    else:
        return
    raise AlignmentError(
        f"{reason}: not aligned; are these pictures of one scene, turned by less than 7 degrees, with edges in common?"
    )


def _check_options(motion: str, method: str) -> None:
    if motion not in MOTIONS:
        raise AlignmentError(f"motion {motion!r}: expected one of {', '.join(MOTIONS)}")
    if method not in METHODS:
        raise AlignmentError(f"method {method!r}: expected one of {', '.join(METHODS)}")
    if method == "phase" and motion in {"affine", "homography"}:
        raise AlignmentError(f"method 'phase' finds translation and euclidean, not {motion}; use method 'ecc'")


def _grey(pixels: Pixels, name: str) -> NDArray[np.float32]:
    """Luma in [0, 1], stretched so that dim and raw pictures serve as well."""
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
        if not np.isfinite(pixels).all():
            raise AlignmentError(f"the {name} picture holds values that are not finite; replace them first")
    if pixels.size == 0 or pixels.min() == pixels.max():
        raise AlignmentError(f"the {name} picture is empty or constant: there is nothing to align it by")
    return to_unit(luma(pixels), "percentile")


def _size(image: NDArray[np.float32]) -> Size:
    return image.shape[0], image.shape[1]


def _scales(moving: Size, fixed: Size) -> list[float]:
    """Ratios of the sizes; both where the pictures differ in shape, for either side may be what they share."""
    ratios = fixed[0] / moving[0], fixed[1] / moving[1]
    return [float(np.mean(ratios))] if max(ratios) < 1.02 * min(ratios) else sorted(ratios)


def _centred(moving: Size, fixed: Size, scale: float) -> Matrix:
    """Map that scales the moving picture and puts its centre on that of the fixed one."""
    scaling = np.diag([scale, scale, 1.0])
    return shift((fixed[1] - 1) / 2, (fixed[0] - 1) / 2) @ scaling @ shift(-(moving[1] - 1) / 2, -(moving[0] - 1) / 2)
