"""Task scores: what a ready-made network makes of fused images, beside what it makes of each source alone."""

from __future__ import annotations

from imfuse.lab.bench.tasks.bootstrap import RESAMPLES
from imfuse.lab.bench.tasks.classes import COCO
from imfuse.lab.bench.tasks.detection import score_detection
from imfuse.lab.bench.tasks.detectors import AUTO
from imfuse.lab.bench.tasks.layouts import LAYOUTS
from imfuse.lab.bench.tasks.pictures import count_labelled
from imfuse.lab.bench.tasks.segmentation import score_segmentation

__all__ = ["AUTO", "COCO", "LAYOUTS", "RESAMPLES", "count_labelled", "score_detection", "score_segmentation"]
