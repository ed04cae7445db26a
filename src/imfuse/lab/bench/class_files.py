"""Files beside labels that name their classes; apart, for the command line asks before anything heavy is there."""

from __future__ import annotations

CLASS_FILES = ("classes.txt", "obj.names", "labels.txt")
"""One name a line, in the order of the class numbers; in the folder of the labels or its parent."""
