"""The first sentences of the page: which method leads, by how much, and whether that can be told from these images."""

from __future__ import annotations

from typing import Any

import numpy as np

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.page.comparisons import pairwise_directions
from imfuse.lab.bench.page.values import p_text
from imfuse.lab.bench.remarks.data import listed
from imfuse.lab.bench.remarks.ranks import IN_WORDS
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.statistics.ranking import TOLERANCE
from imfuse.lab.bench.statistics.significance import LEVEL


def verdict(evaluation: Evaluation, summary: Summary) -> dict[str, Any] | None:
    """What the head says of the methods by mean rank, or None where there is none; references lead nowhere.

    `first` and `second` are indices of methods; `ahead` are the references with better mean ranks, and theirs.
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
        "ahead": [
            {"words": IN_WORDS[evaluation.methods[i].name], "rank": f"{summary.mean_ranks[i]:.2f}"}
            for i in order
            if kinds[first] != "reference" == kinds[i] and summary.mean_ranks[i] < summary.mean_ranks[first] - TOLERANCE
        ],
        **({"shared": False, "p": ""} if second is None else _comparison(evaluation, summary, own)),
    }


def _comparison(evaluation: Evaluation, summary: Summary, own: list[int]) -> dict[str, Any]:
    """What images say of the first two methods, and of the first and those further down that they do not part."""
    first, second, *others = own
    names = [method.name for method in evaluation.methods]
    p = float(summary.rank_tests.corrected[first, second])
    before = pairwise_directions(-summary.scene_mean_ranks[[first, second]])[0, 1] > 0
    leader, other = (names[first], names[second]) if before else (names[second], names[first])
    alike = [names[index] for index in others if summary.rank_tests.corrected[first, index] >= LEVEL]
    told = f"Image by image {leader} is clearly ahead of {other}"
    if p >= LEVEL:
        told = f"These images do not tell {names[first]} from {listed([names[second], *alike])}"
    elif alike:
        told += f", but these images do not tell {names[first]} from {listed(alike)}"
    return {
        "second_rank": f"{summary.mean_ranks[second]:.2f}",
        "shared": bool(summary.mean_ranks[second] - summary.mean_ranks[first] <= TOLERANCE),
        "p": "" if np.isnan(p) else p_text(p) if p < 0.001 else f"= {p_text(p)}",
        "sentence": f"{told}.",
    }
