"""The table of an evaluation as text: Markdown for a page, LaTeX for a paper; CSV and JSON lie beside them."""

from __future__ import annotations

import re

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.statistics import Summary
from imfuse.lab.bench.tables.rows import INFINITY, NOTHING, Cell, Row, lacks_images, table_notes, table_rows
from imfuse.lab.metrics.registry import METRICS

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
    **{character: f"\\{character}" for character in "{}$&#_%"},
}
LATEX_MARKS = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}
MARKDOWN_MARKS = {"best": "**%s**", "second": "_%s_", "": "%s"}
WIDE = 7
"""Metrics from which on a LaTeX table spans both columns of a page."""


def markdown(evaluation: Evaluation, summary: Summary) -> str:
    """A Markdown table: mean rank with its interval, then the means; best bold, second in italics."""
    rows = table_rows(evaluation, summary)
    lines = [["method", "mean rank ↓", *(f"{name} {_arrow(name)}" for name in evaluation.metrics)]]
    lines.append([":--", *["--:"] * (len(evaluation.metrics) + 1)])
    lines += [[_markdown_text(row.name), *map(_markdown_cell, row.cells)] for row in rows]
    if lacks_images(evaluation, summary):
        images = ["images", "--:", *(str(row.images) for row in rows)]
        lines = [[*line, cell] for line, cell in zip(lines, images, strict=True)]
    notes = " ".join([*table_notes(evaluation, summary), "Best **bold**, second _italic_."])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{notes}\n"


def latex(evaluation: Evaluation, summary: Summary) -> str:
    r"""A LaTeX table for `\input`, in need of nothing but `booktabs`; best bold, second underlined."""
    rows = table_rows(evaluation, summary)
    lacking = lacks_images(evaluation, summary)
    arrows = {"↑": r"$\uparrow$", "↓": r"$\downarrow$"}
    head = ["Method", r"Mean rank $\downarrow$"]
    head += [f"{_latex_text(name)} {arrows[_arrow(name)]}" for name in evaluation.metrics]
    head += ["Images"] if lacking else []
    methods, references = (
        [_latex_row(row, lacking) for row in rows if row.is_reference is kind] for kind in (False, True)
    )
    caption = " ".join([f"{evaluation.title}.", *table_notes(evaluation, summary)])
    environment = "table*" if len(evaluation.metrics) >= WIDE else "table"
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\begin{{{environment}}}",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{_latex_text(caption)} Best \textbf{{bold}}, second \underline{{underlined}}.}}",
        rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        *([r"\midrule", *methods] if methods else []),
        *([r"\midrule", *references] if references else []),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\end{{{environment}}}",
    ]
    return "\n".join(lines) + "\n"


def _arrow(metric: str) -> str:
    return "↑" if METRICS[metric].higher_is_better else "↓"


def _markdown_text(text: str) -> str:
    return MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _markdown_cell(cell: Cell) -> str:
    return MARKDOWN_MARKS[cell.mark] % cell.text + cell.interval


def _latex_text(text: str) -> str:
    return "".join(LATEX_SPECIAL.get(character, character) for character in " ".join(text.split()))


def _latex_row(row: Row, lacking: bool) -> str:
    cells = [_latex_text(row.name), *map(_latex_cell, row.cells), *([str(row.images)] if lacking else [])]
    return " & ".join(cells) + r" \\"


def _latex_cell(cell: Cell) -> str:
    text = cell.text.replace(INFINITY, r"$\infty$").replace(NOTHING, "--")
    return LATEX_MARKS[cell.mark] % re.sub(r"^-(?=[\d$])", "$-$", text) + cell.interval
