"""Find the files that belong together: equal stems across folders, or a pattern of names within one folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imfuse.errors import PairingError
from imfuse.images.files import READ_SUFFIXES, list_images, natural_key
from imfuse.images.image import Stack
from imfuse.images.medical import VOLUME_SUFFIXES, file_stem

_EXAMPLES = 3


@dataclass(frozen=True)
class Pairing:
    """What was found.

    Attributes:
        stacks: the files of each fused picture, in natural order of their names.
        unmatched: files without a partner in every other place, in the order of the places.
    """

    stacks: tuple[Stack, ...]
    unmatched: tuple[Path, ...]


def pair_folders(folders: Sequence[str | Path], *, volumes: bool = False) -> Pairing:
    """Match the pictures of two or more folders by stem, whatever the suffix.

    Args:
        folders: one a source, in the order of the sources.
        volumes: match NIfTI volumes too.

    Raises:
        PairingError: fewer than two folders, a folder without pictures, two pictures of one stem in a folder, or no
            stem that all folders share.
        ImageReadError: a folder cannot be read.
    """
    if len(folders) < 2:
        raise PairingError(f"found {len(folders)} folder, and two or more were expected, one a source")
    listed = {folder: list_images(folder, volumes=volumes) for folder in folders}
    places = [_by_key(((file_stem(path), path) for path in listed[folder]), f"{folder}") for folder in folders]
    for folder in folders:
        if not listed[folder]:
            known = [*sorted(READ_SUFFIXES), *(VOLUME_SUFFIXES if volumes else ())]
            raise PairingError(f"{folder} holds no pictures ({' '.join(known)} were looked for)")
    pairing = _pair(places, [path for folder in dict.fromkeys(folders) for path in listed[folder]])
    if not pairing.stacks:
        found = "; ".join(f"{folder} holds {_examples(listed[folder])}" for folder in folders)
        raise PairingError(
            f"no picture has a partner: {found}. Files that belong together need the same name before the suffix; "
            "if their names differ, put them into one folder and give a pattern a source, as {id}_ir.png {id}_vis.png"
        )
    return pairing


def pair_pattern(folder: str | Path, patterns: Sequence[str], *, volumes: bool = False) -> Pairing:
    """Match the pictures of one folder by what `{id}` stands for in a pattern of names a source.

    Args:
        folder: where they are.
        patterns: as `("{id}_ir.png", "{id}_vis.png")`; case of the suffix does not count; `.*` or no
            suffix takes any.
        volumes: match NIfTI volumes too.

    Raises:
        PairingError: fewer than two patterns, one without exactly one `{id}`, one given twice, two pictures that fit
            one pattern with the same `{id}`, or none that fit all.
        ImageReadError: the folder cannot be read.
    """
    if len(patterns) < 2 or len(set(patterns)) < len(patterns):
        raise PairingError(f"found the patterns {_quoted(patterns)}, and two or more different ones were expected")
    files = list_images(folder, volumes=volumes)
    matchers = [_matcher(pattern) for pattern in patterns]
    places = [
        _by_key(((found[1], path) for path in files if (found := matcher.fullmatch(path.name))), f"{pattern!r}")
        for pattern, matcher in zip(patterns, matchers, strict=True)
    ]
    pairing = _pair(places, files)
    if not pairing.stacks:
        raise PairingError(
            f"no pictures in {folder} fit all of the patterns {_quoted(patterns)}; it holds {_examples(files)}. "
            "{id} stands for the part of the name that files of one scene share"
        )
    return pairing


def _matcher(pattern: str) -> re.Pattern[str]:
    before, *after = pattern.split("{id}")
    if len(after) != 1 or "/" in pattern or "\\" in pattern:
        raise PairingError(
            f"found the pattern {pattern!r}, and a file name with one {{id}} was expected, as {{id}}_ir.png"
        )
    known = (*READ_SUFFIXES, *VOLUME_SUFFIXES, ".*")
    suffix = next((suffix for suffix in known if after[0].lower().endswith(suffix)), "")
    stem = after[0][: len(after[0]) - len(suffix)]
    ending = r"(?i:\.nii\.gz|\.[^.]+)" if suffix in ("", ".*") else f"(?i:{re.escape(suffix)})"
    return re.compile(f"{re.escape(before)}(.+?){re.escape(stem)}{ending}", re.DOTALL)


def _by_key(files: Iterable[tuple[str, Path]], place: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for key, path in files:
        if key in found:
            names = f"{found[key].name} and {path.name}"
            raise PairingError(f"{names} are both {key!r} in {place}; remove or rename one of them")
        found[key] = path
    return found


def _pair(places: Sequence[Mapping[str, Path]], files: Sequence[Path]) -> Pairing:
    common = sorted(set.intersection(*map(set, places)), key=natural_key)
    stacks = tuple(Stack(key, tuple(place[key] for place in places)) for key in common)
    used = {path for stack in stacks for path in stack.paths}
    return Pairing(stacks, tuple(path for path in files if path not in used))


def _quoted(patterns: Sequence[str]) -> str:
    return " ".join(map(repr, patterns)) or "none"


def _examples(files: Sequence[Path]) -> str:
    names = ", ".join(path.name for path in files[:_EXAMPLES])
    rest = len(files) - _EXAMPLES
    return (names + (f" and {rest} more" if rest > 0 else "")) or "no pictures"
