"""The first sentences of the page: which method leads, by how much, and whether that can be told from these images."""

from __future__ import annotations

from typing import Any

import numpy as np

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.page.comparisons import pairwise_directions
from imfuse.lab.bench.page.values import p_text
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.statistics.ranking import TOLERANCE
from imfuse.lab.bench.statistics.significance import LEVEL


def verdict(evaluation: Evaluation, summary: Summary) -> dict[str, Any] | None:
    """What the head says of the methods by mean rank, or None where there is none; references lead nowhere.

    `first` and `second` are indices of methods.
    """
    kinds = [method.kind for method in evaluation.methods]
    order = [i for i in summary.order if np.isfinite(summary.mean_ranks[i])]
    own = [i for i in order if kinds[i] != "reference"] or order
    if not own:
        return None
    first, second = own[0], own[1] if len(own) > 1 else None
    low, high = summary.mean_rank_low[first], summary.mean_rank_high[first]
    return {
        "first": first,
        "rank": f"{summary.mean_ranks[first]:.2f}",
        "interval": f"95 % interval {low:.1f} to {high:.1f}" if np.isfinite(low) else "",
        "second": second,
        **({"shared": False, "p": ""} if second is None else _comparison(summary, first, second)),
    }


def _comparison(summary: Summary, first: int, second: int) -> dict[str, Any]:
    p = float(summary.rank_tests.corrected[first, second])
    before = pairwise_directions(-summary.scene_mean_ranks[[first, second]])[0, 1] > 0
    told = "Image by image the lead is clear" if before else "Image by image the second is clearly ahead of it"
    return {
        "second_rank": f"{summary.mean_ranks[second]:.2f}",
        "shared": bool(summary.mean_ranks[second] - summary.mean_ranks[first] <= TOLERANCE),
        "p": "" if np.isnan(p) else p_text(p) if p < 0.001 else f"= {p_text(p)}",
        "sentence": f"{told if p < LEVEL else 'These images do not tell the two apart'}.",
    }
