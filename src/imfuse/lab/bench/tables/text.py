"""The tables of an evaluation as text: Markdown for a page, LaTeX for a paper; CSV and JSON lie beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.scores import TaskScores
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.tables.grids import Grid, all_grids
from imfuse.lab.bench.tables.rows import INFINITY, NOISE_MARK, NOTHING, Cell
from imfuse.lab.bench.timings import SpeedTable

MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # at the start of a row a bracket or a star would be an argument of the \\ or \midrule before it
    "]": "{]}",
    "*": "{*}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    NOISE_MARK: r"\dag{}",
    **{character: f"\\{character}" for character in "{}$&#_%"},
}
LATEX_MARKS = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}
MARKDOWN_MARKS = {"best": "**%s**", "second": "_%s_", "": "%s"}
WIDE = 10
"""Columns from which on a LaTeX table spans both columns of a page; one with intervals counts as two."""


def markdown(
    evaluation: Evaluation, summary: Summary, tasks: Sequence[TaskScores] = (), speed: SpeedTable | None = None
) -> str:
    """Markdown tables: mean rank with its interval, then the means; below it task scores and speeds, if there are any.

    Best bold, second in italics.
    """
    first, *others = all_grids(evaluation, summary, tasks, speed)
    titled = [f"## {_markdown_text(grid.title)}\n\n{_markdown_grid(grid)}" for grid in others]
    return "\n".join([_markdown_grid(first), *titled])


def latex(
    evaluation: Evaluation, summary: Summary, tasks: Sequence[TaskScores] = (), speed: SpeedTable | None = None
) -> str:
    r"""LaTeX tables for `\input`, in need of nothing but `booktabs`; best bold, second underlined."""
    grids = all_grids(evaluation, summary, tasks, speed)
    return "\n".join(["% needs \\usepackage{booktabs}", *map(_latex_grid, grids)])


def _markdown_grid(grid: Grid) -> str:
    lines = [[_markdown_text(name) for name in grid.head]]
    lines.append([":--"] * grid.texts + ["--:"] * (len(grid.head) - grid.texts))
    for row in chain.from_iterable(grid.groups):
        texts = (_markdown_text(cell.text) for cell in row[: grid.texts])
        lines.append([*texts, *map(_markdown_cell, row[grid.texts :])])
    notes = [_markdown_text(note) for note in grid.notes]
    notes += ["Best **bold**, second _italic_."] if _has_marks(grid) else []
    notes += [_markdown_text(remark) for remark in grid.remarks]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{' '.join(notes)}\n"


def _latex_grid(grid: Grid) -> str:
    notes = " ".join([f"{grid.title}.", *grid.notes])
    marks = r" Best \textbf{bold}, second \underline{underlined}." if _has_marks(grid) else ""
    environment = "table*" if _width(grid) >= WIDE else "table"
    lines = [
        *(f"% {' '.join(remark.split())}" for remark in grid.remarks),
        rf"\begin{{{environment}}}",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{_latex_text(notes)}{marks}}}",
        rf"\begin{{tabular}}{{{'l' * grid.texts}{'r' * (len(grid.head) - grid.texts)}}}",
        r"\toprule",
        _latex_row(map(_latex_text, grid.head)),
    ]
    for group in filter(None, grid.groups):
        lines += [r"\midrule", *(_latex_row(_latex_cells(grid, row)) for row in group)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", rf"\end{{{environment}}}"]) + "\n"


def _has_marks(grid: Grid) -> bool:
    return any(cell.mark for row in chain.from_iterable(grid.groups) for cell in row)


def _width(grid: Grid) -> int:
    columns = zip(*chain.from_iterable(grid.groups), strict=True)
    return sum(2 if any(cell.interval for cell in column) else 1 for column in columns)


def _markdown_text(text: str) -> str:
    return MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _markdown_cell(cell: Cell) -> str:
    return MARKDOWN_MARKS[cell.mark] % cell.text + cell.interval


def _latex_text(text: str) -> str:
    return "".join(LATEX_SPECIAL.get(character, character) for character in " ".join(text.split()))


def _latex_row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _latex_cells(grid: Grid, row: Sequence[Cell]) -> list[str]:
    return [*(_latex_text(cell.text) for cell in row[: grid.texts]), *map(_latex_cell, row[grid.texts :])]


def _latex_cell(cell: Cell) -> str:
    text = cell.text.replace(INFINITY, r"$\infty$").replace(NOTHING, "--")
    return LATEX_MARKS[cell.mark] % re.sub(r"^-(?=[\d$])", "$-$", text) + cell.interval
