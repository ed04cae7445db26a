"""What `imfuse fuse` says at its end, to people or to machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imfuse.batch.job import Outcome
from imfuse.cli._plan import Plan
from imfuse.cli._report import print_json, say, versions, warn

MOST_REMARKS = 10
"""Lines on single pictures of a folder that people are shown; all are in `--json`."""


@dataclass(frozen=True)
class Summary:
    """A run that has ended.

    Attributes:
        model: its name.
        names: of the sources, in the model's order.
        plan: what was to be done.
        outcomes: one a job.
        seconds: that all took.
    """

    model: str
    names: Sequence[str]
    plan: Plan
    outcomes: Sequence[Outcome]
    seconds: float

    def of(self, status: str) -> list[Outcome]:
        """The outcomes of a status."""
        return [outcome for outcome in self.outcomes if outcome.status == status]


def report(summary: Summary, *, as_json: bool, quiet: bool) -> int:
    """Print the failures, what had no partner, and the summary; returns the exit status."""
    for outcome in summary.of("failed"):
        warn(f"{outcome.job.stack.name}: {outcome.reason}")
    for path in summary.plan.unmatched:
        warn(f"{path}: no partner, left out")
    if as_json:
        _print_record(summary)
    elif len(summary.plan.jobs) > 1 or not summary.of("failed"):
        say("\n".join(_lines(summary)), quiet=quiet)
    return 1 if summary.of("failed") else 0


def _print_record(summary: Summary) -> None:
    records = {
        status: [outcome.as_record() for outcome in summary.of(status)] for status in ("fused", "skipped", "failed")
    }
    unmatched = [str(path) for path in summary.plan.unmatched]
    about = {"model": summary.model, "sources": list(summary.names), "seconds": round(summary.seconds, 4)}
    print_json({**records, "unmatched": unmatched, **about, "versions": versions()})


def _lines(summary: Summary) -> list[str]:
    """Which source was taken for what, where the result lies, and how long it took."""
    plan, single = summary.plan, len(summary.plan.jobs) == 1
    rows: list[tuple[str, object]] = [
        (name, path if single else path.parent)
        for name, path in zip(summary.names, plan.jobs[0].stack.paths, strict=True)
    ]
    remarks: Sequence[str] = ()
    if not single:
        rows.append(("fused", f"{plan.folder}: {_counts(summary)}"))
        remarks = _remarks(summary.outcomes)
    else:
        outcome = summary.outcomes[0]
        rows.append(("fused", f"{outcome.output}{' (done before)' if outcome.status == 'skipped' else ''}"))
        rows += [("sheet", outcome.sheet)] if outcome.sheet else []
        remarks = outcome.remarks
    width = max(len(name) for name, _ in rows)
    return [*(f"{n:{width}}  {text}" for n, text in rows), *remarks, f"by {summary.model} in {summary.seconds:.2f} s"]


def _remarks(outcomes: Sequence[Outcome]) -> list[str]:
    """The first remarks on the pictures of a folder, and how many more there are."""
    remarks = [f"{outcome.job.stack.name}: {remark}" for outcome in outcomes for remark in outcome.remarks]
    rest = len(remarks) - MOST_REMARKS
    return [*remarks[:MOST_REMARKS], *([f"and {rest} more remarks, shown by --json"] if rest > 0 else [])]


def _counts(summary: Summary) -> str:
    return (
        f"{len(summary.of('fused'))} fused, {len(summary.of('skipped'))} done before, "
        f"{len(summary.of('failed'))} failed, {len(summary.plan.unmatched)} without partner"
    )
