"""The rows of a table of an evaluation, before a format gives them its marks: order, numbers, best and second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imfuse.lab.bench.evaluation import Evaluation, Method
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.statistics.ranking import leaders
from imfuse.lab.metrics.registry import METRICS

SIGNIFICANT = 4
NOTHING, INFINITY = "–", "∞"
NOISE_MARK = "†"
"""Behind the name of a metric that noise in the image makes better."""

Mark = Literal["best", "second", ""]


@dataclass(frozen=True)
class Cell:
    """A number of a table.

    Attributes:
        text: the number, as `fixed` writes it.
        mark: its place in the column, over the images that all methods have; none in a column of equals.
        interval: what follows the number and is not marked, such as ` (1.2 to 1.9)`.
    """

    text: str
    mark: Mark = ""
    interval: str = ""


@dataclass(frozen=True)
class Row:
    """A method of a table.

    Attributes:
        name: of the method, as it was given.
        is_reference: whether it is computed from the sources.
        images: that the method has.
        cells: mean rank, then a mean for each metric, of `shown_means`.
        without_noise: mean rank over the metrics that do not reward noise; None where that is no other figure.
    """

    name: str
    is_reference: bool
    images: int
    cells: tuple[Cell, ...]
    without_noise: Cell | None = None

    @property
    def all_cells(self) -> tuple[Cell, ...]:
        """Mean rank, the one without noise if there is one, then the means."""
        return (self.cells[0], *([self.without_noise] if self.without_noise else []), *self.cells[1:])


def table_rows(evaluation: Evaluation, summary: Summary) -> tuple[Row, ...]:
    """The rows, best mean rank first, the references below the methods."""
    columns = [_rank_cells(summary)]
    for column, mean in enumerate(shown_means(summary).T):
        marks = place_marks(summary.best[:, column], summary.second[:, column])
        columns.append([Cell(text, mark) for text, mark in zip(fixed(mean), marks, strict=True)])
    quiet = _quiet_cells(summary) if tells_noise(summary) else [None] * len(evaluation.methods)
    order = sorted(summary.order, key=lambda index: evaluation.methods[index].kind == "reference")
    return tuple(
        Row(
            evaluation.methods[index].name,
            evaluation.methods[index].kind == "reference",
            int(summary.images[index]),
            tuple(column[index] for column in columns),
            quiet[index],
        )
        for index in order
    )


def shown_means(summary: Summary) -> NDArray[np.float64]:
    """The means `(methods, metrics)` that tables print: over the images by which the methods are ranked.

    Where methods share no image, and so nothing is ranked, they are over the images that each method has.
    """
    return np.where(summary.compared.any(axis=1), summary.compared_means, summary.means)


def lacks_images(evaluation: Evaluation, summary: Summary) -> bool:
    """Whether some method has not every image, so that the means of a table are not all over the same ones."""
    return bool((summary.images < len(evaluation.scenes)).any())


def tells_noise(summary: Summary) -> bool:
    """Whether the mean rank is over metrics that reward noise and over others, so that a second figure parts them."""
    return 0 < sum(METRICS[name].rewards_noise for name in summary.ranked) < len(summary.ranked)


def table_notes(evaluation: Evaluation, summary: Summary) -> tuple[str, ...]:
    """What must stand below a table, one sentence each."""
    notes = [images_note(evaluation, summary)]
    if summary.ranked:
        names = ", ".join(summary.ranked)
        notes += [
            f"Mean rank over {names} among all rows, of ranks of the means; in parentheses its 95 % bootstrap interval "
            "over images.",
            "Tests between methods compare ranks within each image instead.",
        ]
    if any(METRICS[name].rewards_noise for name in evaluation.metrics):
        notes.append(f"{NOISE_MARK} Noise in the image makes it better.")
    if tells_noise(summary):
        names = ", ".join(name for name in summary.ranked if not METRICS[name].rewards_noise)
        notes.append(f"Mean rank without {NOISE_MARK}: over {names} alone.")
    notes += [f"{metric} by the convention {name}." for metric, name in evaluation.conventions.items()]
    return tuple(notes)


def time_texts(evaluation: Evaluation) -> dict[str, str]:
    """Milliseconds of each method's fusion by its name, `–` where nobody knows them; empty where nothing was timed."""
    times = {method.name: median_time(method) for method in evaluation.methods}
    if all(time is None for time in times.values()):
        return {}
    return {name: NOTHING if time is None else number(time, 1) for name, time in times.items()}


def median_time(method: Method) -> float | None:
    """Median milliseconds of the fusions of a model in the run; None for what fused elsewhere."""
    return float(np.median(list(method.milliseconds.values()))) if method.milliseconds else None


def images_note(evaluation: Evaluation, summary: Summary) -> str:
    """Over which images the means of a table are.

    A method without any image holds nobody back, and is not one of the methods here.
    """
    count = int(summary.ranked_scenes.sum())
    if not lacks_images(evaluation, summary):
        return f"Means over {image_count(len(evaluation.scenes))}."
    if not count:
        return "No image is there of every method: means over the images that each method has, and no ranks."
    return f"Means, ranks and marks over the {image_count(count)} that all methods have, of {len(evaluation.scenes)}."


def image_count(count: int) -> str:
    """A number of images in words.

    Example:
        >>> image_count(1), image_count(20)
        ('1 image', '20 images')
    """
    return f"{count} image{'' if count == 1 else 's'}"


def fixed(column: NDArray[np.float64]) -> tuple[str, ...]:
    """The numbers of a column with as many decimals as give its largest four significant digits.

    Example:
        >>> fixed(np.array([0.51234, 12.3456, np.nan, np.inf]))
        ('0.51', '12.35', '–', '∞')
    """
    largest = float(np.max(np.abs(column[np.isfinite(column)]), initial=0))
    decimals = int(np.clip(SIGNIFICANT - 1 - np.floor(np.log10(largest)), 0, 8)) if largest else SIGNIFICANT - 1
    return tuple(number(value, decimals) for value in column)


def number(value: float, decimals: int) -> str:
    """A number with so many decimals; `∞` for infinity and `–` for NaN."""
    if np.isnan(value):
        return NOTHING
    return f"{value:.{decimals}f}" if np.isfinite(value) else INFINITY if value > 0 else f"-{INFINITY}"


def _rank_cells(summary: Summary) -> list[Cell]:
    ranks = [number(rank, 1) for rank in summary.mean_ranks]
    ends = zip(summary.mean_rank_low, summary.mean_rank_high, strict=True)
    intervals = ["" if np.isnan(low) else f" ({low:.1f} to {high:.1f})" for low, high in ends]
    return [Cell(*cell) for cell in zip(ranks, place_marks(*leaders(summary.mean_ranks)), intervals, strict=True)]


def _quiet_cells(summary: Summary) -> list[Cell]:
    ranks = summary.mean_ranks_without_noise
    marks = place_marks(*leaders(ranks))
    return [Cell(number(rank, 1), mark) for rank, mark in zip(ranks, marks, strict=True)]


def place_marks(best: NDArray[np.bool_], second: NDArray[np.bool_]) -> list[Mark]:
    """Marks of a column; none where all are equal."""
    if best.all():
        return [""] * len(best)
    return ["best" if first else "second" if next_best else "" for first, next_best in zip(best, second, strict=True)]
