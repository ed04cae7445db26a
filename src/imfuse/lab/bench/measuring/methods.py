"""What is compared: scenes by their sources and methods by their folders, matched by name before any work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from imfuse.errors import EvaluationError, PairingError
from imfuse.images.files import list_images
from imfuse.images.medical import file_stem
from imfuse.images.pairs import pair_folders
from imfuse.lab.bench.evaluation import REFERENCES, Method, Scene
from imfuse.lab.bench.tables.rows import image_count

MOST_NAMES = 10
"""Names that a sentence lists before it counts the rest."""

UNFIT = '/\\"<>|'
"""What no name of a method may hold, beside line breaks and tabs."""

UNFIT_FOR_FOLDERS = ':*?"<>|'
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}

Problems = tuple[str, ...]


def find_scenes(folders: Sequence[Path]) -> tuple[tuple[Scene, ...], Problems]:
    """The scenes that all folders of sources share, and a sentence on each folder's files without a partner.

    Args:
        folders: one a source, in the order of the sources.

    Raises:
        PairingError: no scenes; the text says what the folders hold.
        ImageReadError: a folder cannot be read.
        EvaluationError: a folder is given twice.
    """
    twice = _twice(str(folder.resolve()) for folder in folders)
    if twice:
        raise EvaluationError(f"{twice} is given as two sources; give a folder of its own for each source")
    _check_partners(folders)
    pairing = pair_folders(folders)
    scenes = tuple(Scene(stack.name, stack.paths) for stack in pairing.stacks)
    strays: dict[Path, list[str]] = {}
    for path in pairing.unmatched:
        strays.setdefault(path.parent, []).append(path.name)
    problems = (
        f"{folder}: left out for want of a file of the same name in every source: {_listing(names)}"
        for folder, names in strays.items()
    )
    return scenes, tuple(problems)


def _check_partners(folders: Sequence[Path]) -> None:
    """Refuse folders without a common name with advice that fits here, where there are no patterns of names."""
    listed = [list_images(folder) for folder in folders]
    stems = [{file_stem(path) for path in paths} for paths in listed]
    if len(folders) > 1 and all(stems) and not set.intersection(*stems):
        found = "; ".join(
            f"{folder} holds {_listing([path.name for path in paths], 3)}"
            for folder, paths in zip(folders, listed, strict=True)
        )
        raise PairingError(
            f"no picture has a partner of its name in every source: {found}. Files of one scene need the same name "
            "before the suffix; rename them, or make folders of links that have the same names, as "
            "`ln -s ../flight/1_ir.png infrared/1.png`"
        )


def source_names(folders: Sequence[Path]) -> tuple[str, ...]:
    """Names of the sources: of their folders, with as many folders above as it takes to tell them apart.

    >>> source_names([Path("set/ir"), Path("set/vis")]), source_names([Path("ir/test"), Path("vis/test")])
    (('ir', 'vis'), ('ir/test', 'vis/test'))
    """
    parts = [folder.resolve().parts for folder in folders]
    names: list[str] = []
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            break
    return tuple(names)


def read_method(name: str, folder: Path, scenes: Sequence[Scene]) -> tuple[Method, Problems]:
    """The fused images of a folder that belong to scenes, and sentences on what is missing and what is too many.

    Args:
        name: of the method.
        folder: its fused images, named like the scenes, whatever the suffix.
        scenes: that are evaluated.

    Raises:
        EvaluationError: not one image belongs to a scene, or two to the same one.
        ImageReadError: the folder cannot be read.
    """
    listed = list_images(folder)
    twice = _twice(file_stem(path) for path in listed)
    if twice:
        names = " and ".join(path.name for path in listed if file_stem(path) == twice)
        raise EvaluationError(f"{folder} holds {names}, which are both {twice!r}; remove or rename one of them")
    found = {file_stem(path): path for path in listed}
    files = {scene.stem: found[scene.stem] for scene in scenes if scene.stem in found}
    if not files:
        raise EvaluationError(
            f"{name}: no image in {folder} belongs to a scene. It holds {_listing([p.name for p in listed], 3)}; the "
            f"scenes are {_listing([scene.stem for scene in scenes], 3)}. Fused images need the names of their sources"
        )
    missing = [scene.stem for scene in scenes if scene.stem not in files]
    extra = [path.name for stem, path in found.items() if stem not in files]
    problems = (
        f"{name}: {folder} lacks {len(missing)} of {len(scenes)} images: {_listing(missing)}" if missing else "",
        f"{name}: {image_count(len(extra))} in {folder} without a scene left out: {_listing(extra, 3)}"
        if extra
        else "",
    )
    return Method(name, "folder", files), tuple(filter(None, problems))


def references() -> tuple[Method, ...]:
    """The rows that stand last in every table."""
    return tuple(Method(name, "reference") for name in REFERENCES)


def check_names(names: Iterable[str]) -> None:
    """Refuse names of methods that could not stand in one table or not name a folder.

    Raises:
        EvaluationError: naming it.
    """
    names = list(names)
    for name in names:
        if name in REFERENCES:
            raise EvaluationError(f"{name} is added to every table by itself; give your method another name, NAME=DIR")
        if reason := _fault(name):
            raise EvaluationError(
                f"{name!r} is no name of a method: it {reason}. Give another, NAME=DIR, without {' '.join(UNFIT)}, "
                "line breaks and tabs, that begins with no dot, and with no space at either end"
            )
    if (twice := _twice(names)) is not None:
        raise EvaluationError(f"two methods are called {twice}; give each a name of its own, NAME=DIR")


def _fault(name: str) -> str:
    """What is wrong with a name of a method, if anything is."""
    if not name:
        return "is empty"
    if found := sorted(set(name) & {*UNFIT, "\n", "\t"}):
        return f"holds {' '.join(sign if sign.isprintable() else repr(sign) for sign in found)}"
    if name.strip() != name:
        return "has a space at an end"
    return "begins with a dot" if name.startswith(".") else ""


def check_folder_names(names: Iterable[str]) -> None:
    """Refuse names of models that could not name a folder on every system, as they do in `fused/NAME`.

    Raises:
        EvaluationError: naming it.
    """
    for name in names:
        found = "".join(sorted(set(name) & set(UNFIT_FOR_FOLDERS)))
        if found or name.endswith(".") or name.partition(".")[0].upper() in _DEVICES:
            reason = f"holds {found}" if found else "ends in a dot" if name.endswith(".") else "is a device's"
            raise EvaluationError(
                f"{name!r} {reason}, which no folder may be called on Windows, and its fused images need one; give "
                "the model another name, OTHER_NAME=MODEL"
            )


def _listing(names: Sequence[str], most: int = MOST_NAMES) -> str:
    rest = len(names) - most
    return (", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")) or "no images"


def _twice(values: Iterable[str]) -> str | None:
    counts: Mapping[str, int] = Counter(values)
    return next((value for value, count in counts.items() if count > 1), None)
