"""A speed table as records, Markdown and CSV; NaN is what was not measured."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict, fields
from typing import Any

from imfuse.lab.bench.timings import SpeedRow, SpeedTable

HEAD = ("model", "engine", "size", "threads", "ms", "10-90 %", "fps", "in Y", "MB", "parameters", "GMAC", "mJ")


def records(table: SpeedTable) -> dict[str, Any]:
    """The table as JSON takes it: null for what was not measured."""
    rows = [{name: _known(value) for name, value in (asdict(row) | {"fps": row.fps}).items()} for row in table.rows]
    return {"machine": table.machine, "yardstick_ms": _known(table.yardstick), "rows": rows}


def cells(row: SpeedRow) -> tuple[str, ...]:
    """One row in the order of `HEAD`, `-` for what was not measured."""
    return (
        row.model,
        row.engine,
        f"{row.width}x{row.height}",
        str(row.threads),
        _number(row.milliseconds, ".1f"),
        f"{row.low:.1f}-{row.high:.1f}",
        _number(row.fps, ".0f"),
        _number(row.yardsticks, ".3f"),
        _number(row.megabytes, ".0f"),
        f"{row.parameters:,}",
        _number(row.macs / 1e9, ".2f"),
        _number(row.joules * 1e3, ".0f"),
    )


def markdown(table: SpeedTable) -> str:
    """The table with its machine and its yardstick."""
    lines = [table.machine, ""]
    if not math.isnan(table.yardstick):
        lines += [f"Yardstick Y (a convolution 64 -> 64, 3x3, on 640x480, one thread): {table.yardstick:.0f} ms", ""]
    lines += [f"|{'|'.join(HEAD)}|", "|---" * len(HEAD) + "|"]
    return "\n".join([*lines, *(f"|{'|'.join(cells(row))}|" for row in table.rows)]) + "\n"


def comma_separated(table: SpeedTable) -> str:
    """Every field of every row; empty for what was not measured."""
    text = io.StringIO()
    names = [*(field.name for field in fields(SpeedRow)), "fps"]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records(table)["rows"])
    return text.getvalue()


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)
