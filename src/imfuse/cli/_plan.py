"""From the words of `imfuse fuse` to jobs: files or folders, where the results go, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imfuse.batch.job import Job, Target
from imfuse.cli._usage import UsageError, check_output, is_same
from imfuse.images.encoding import FORMATS
from imfuse.images.image import Stack
from imfuse.images.medical import file_stem, is_volume
from imfuse.images.pairs import Pairing, pair_folders, pair_pattern


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        jobs: one a fused picture.
        unmatched: files without a partner.
        folder: where the jobs write, with a manifest; None for a single file that was named in full.
    """

    jobs: tuple[Job, ...]
    unmatched: tuple[Path, ...] = ()
    folder: Path | None = None


def make_plan(
    sources: Sequence[Path], output: Path | None, *, pattern: Sequence[str] | None = None, suffix: str | None = None
) -> Plan:
    """Decide what is fused with what, and where to.

    Args:
        sources: files or folders, one a source; a single folder with `pattern`.
        output: a file for a single stack, a folder for several.
        pattern: names within the folder, one a source, such as `{id}_ir.png`.
        suffix: of the outputs in a folder; None lets each be chosen by its depth.

    Raises:
        UsageError: sources or outputs that cannot be meant.
        PairingError: no files that belong together.
    """
    _check_sources(sources, pattern)
    output = check_output(output, list(sources))
    if pattern:
        return _folder_plan(pair_pattern(sources[0], pattern, volumes=True), output, suffix)
    if sources[0].is_dir():
        return _folder_plan(pair_folders(list(sources), volumes=True), output, suffix)
    return _single_plan(sources, output, suffix)


def _check_sources(sources: Sequence[Path], pattern: Sequence[str] | None) -> None:
    if pattern:
        if len(sources) != 1 or not sources[0].is_dir():
            raise UsageError("--pattern is for one folder, given before it: imfuse fuse FOLDER -o OUT --pattern A B")
        return
    if len(sources) < 2:
        raise UsageError(
            f"{len(sources)} source given; give two files or folders or more, or one folder with --pattern"
        )
    folders = [source for source in sources if source.is_dir()]
    if folders and len(folders) < len(sources):
        other = next(source for source in sources if source not in folders)
        found = "is a file" if other.exists() else "does not exist"
        raise UsageError(f"{folders[0]} is a folder and {other} {found}; give files only or folders only")


def _folder_plan(pairing: Pairing, output: Path, suffix: str | None) -> Plan:
    if output.exists() and not output.is_dir():
        raise UsageError(f"-o {output}: a file; the results of folders need a folder")
    jobs = tuple(Job(stack, _safe(Target(output, stack.name, suffix), stack)) for stack in pairing.stacks)
    return Plan(jobs, pairing.unmatched, output)


def _single_plan(sources: Sequence[Path], output: Path, suffix: str | None) -> Plan:
    stems = list(dict.fromkeys(file_stem(source) for source in sources))
    stack = Stack("_".join(stems), tuple(sources))
    if not _means_folder(output):
        if suffix is not None and suffix != _suffix(output).lower():
            raise UsageError(f"-o {output} and --format {suffix.lstrip('.')} contradict each other; leave one out")
        return Plan((Job(stack, Target(output.parent, file_stem(output), _suffix(output))),))
    if output.exists() and not output.is_dir():
        raise UsageError(f"-o {output}: a file without a suffix; name a folder, or a file with a suffix")
    return Plan((Job(stack, _safe(Target(output, stack.name, suffix), stack)),), (), output)


def _means_folder(output: Path) -> bool:
    """Whether OUT is a folder: it is one, or it has no suffix.

    Raises:
        UsageError: a suffix that no picture has.
    """
    if output.is_dir() or not output.suffix:
        return True
    if output.suffix.lower() not in FORMATS and not is_volume(output):
        known = " ".join(sorted(FORMATS))
        raise UsageError(f"-o {output}: pictures are written as {known}, volumes as .nii .nii.gz; or name a folder")
    return False


def _safe(target: Target, stack: Stack) -> Target:
    """The target, if none of its possible files is a source.

    Raises:
        UsageError: the folder is that of a source, and the names are the same.
    """
    for path in stack.paths:
        if is_same(target.folder, path.parent) and file_stem(path) == target.stem:
            raise UsageError(f"-o {target.folder}: the result would overwrite {path}; choose another folder")
    return target


def _suffix(path: Path) -> str:
    """The suffix, `.nii.gz` in one piece."""
    return path.name[len(file_stem(path)) :]
