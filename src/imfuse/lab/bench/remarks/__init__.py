"""What a reader of an evaluation should be warned of, with the figures."""

from __future__ import annotations

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.remarks.copies import copy_remarks
from imfuse.lab.bench.remarks.data import data_remarks
from imfuse.lab.bench.remarks.noise import NoiseLevels, measure_noise
from imfuse.lab.bench.remarks.ranks import rank_remarks
from imfuse.lab.bench.statistics import Summary


def remarks(evaluation: Evaluation, summary: Summary, noise: NoiseLevels | None = None) -> tuple[str, ...]:
    """Sentences on what the figures do not show by themselves, the most important first; none where all is well.

    Args:
        evaluation: what was measured.
        summary: its statistics.
        noise: in the pictures; measured in some of them if None.
    """
    noise = measure_noise(evaluation) if noise is None else noise
    return (*copy_remarks(evaluation), *data_remarks(evaluation, summary), *rank_remarks(evaluation, summary, noise))
