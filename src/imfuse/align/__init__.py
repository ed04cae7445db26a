"""Registration of one picture onto another, across modalities."""

from __future__ import annotations

from imfuse.align.alignment import Alignment
from imfuse.align.ecc import MOTIONS, Motion
from imfuse.align.register import METHODS, Method, align

__all__ = ["METHODS", "MOTIONS", "Alignment", "Method", "Motion", "align"]
