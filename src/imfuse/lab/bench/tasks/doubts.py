"""Scores that are so low in every row that the class names or the network are more likely wrong than the pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imfuse.lab.bench.scores import TaskRow
from imfuse.lab.bench.tasks.classes import SharedClasses

DOUBT = "Doubtful: "
"""How a remark begins that puts a whole table in question."""

NOTHING = 0.005
"""Score that is shown as 0.00."""


def doubts(column: str, rows: Sequence[TaskRow], shared: SharedClasses, names: Sequence[str]) -> Iterator[str]:
    """A remark if no row reaches `NOTHING` in the first column, not even a source alone.

    Args:
        column: its name.
        rows: of the table.
        shared: how the class numbers were read.
        names: of the class numbers.
    """
    if all(row.values[0] < NOTHING for row in rows):
        pairs = ", ".join(f"{number} as {names[number]}" for number in shared.from_labels)
        yield (
            f"{DOUBT}{column} is below {NOTHING:g} in every row, for the sources alone too. Look whether the class "
            f"numbers of the labels are named in their order (they were read as {pairs}), and the classes of the "
            "network in its."
        )
