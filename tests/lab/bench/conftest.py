"""Evaluations with values that a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from imfuse.lab.bench.evaluation import REFERENCES, Evaluation, Method, Scene


def _make_evaluation(
    values: Mapping[str, Sequence[Sequence[float]] | np.ndarray],
    metrics: Sequence[str],
    ranked: Sequence[str] | None = None,
    **options,
) -> Evaluation:
    stacked = np.array([np.asarray(of_method, dtype=np.float64) for of_method in values.values()])
    return Evaluation(
        title=options.pop("title", "A set"),
        source_names=("infrared", "visible"),
        scenes=tuple(Scene(f"{index:03}", ()) for index in range(stacked.shape[2])),
        methods=tuple(Method(name, "reference" if name in REFERENCES else "folder") for name in values),
        metrics=tuple(metrics),
        ranked=tuple(metrics if ranked is None else ranked),
        values=stacked,
        **options,
    )


@pytest.fixture(scope="session")
def make_evaluation() -> Callable[..., Evaluation]:
    """Evaluation of `{method: values (metrics, scenes)}`; the names of references make references."""
    return _make_evaluation
