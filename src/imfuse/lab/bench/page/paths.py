"""Paths in sentences as the page shows them: it is sent to others, to whom a folder of this machine says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable

from imfuse.lab.bench.evaluation import Evaluation

ABSOLUTE = re.compile(
    r"(?<![\w./\\:])(?:[A-Za-z]:)?(?:[/\\][^\s/\\:;,'\"]+)+[/\\](?=[^\s/\\:;,'\"]+[/\\][^\s/\\:;,'\"]+)"
)
"""All of an absolute path but its last two names, where no name holds a blank."""


def without_folders(sentences: Iterable[str], evaluation: Evaluation) -> tuple[str, ...]:
    """The sentences with their paths as the folder's name and the file's.

    Args:
        sentences: such as `Evaluation.problems`.
        evaluation: whose folders are known by their names, blanks and all.
    """
    files = [path for scene in evaluation.scenes for path in scene.sources]
    files += [path for method in evaluation.methods for path in method.files.values()]
    parents = {str(path.parent): path.parent.name for path in files if path.parent.is_absolute()}
    folders = sorted(parents, key=len, reverse=True)  # the innermost first
    known = re.compile(f"(?:{'|'.join(map(re.escape, folders))})(?![\\w.-])") if folders else None
    named = (known.sub(lambda found: parents[found[0]], text) if known else text for text in sentences)
    return tuple(ABSOLUTE.sub("", text) for text in named)
