"""What is to be fused, how, and what became of it: the types of a batch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from imfuse.images.depth import ValueRange
from imfuse.images.image import Stack

if TYPE_CHECKING:
    from imfuse.align import Motion

Depth = Literal["8", "16", "float"]

Window = tuple[float, float]
"""Centre and width in the unit of a medical file, as `(40, 400)` Hounsfield units."""


@dataclass(frozen=True)
class FuseOptions:
    """Everything beside the model that changes the pixels of a result.

    Attributes:
        value_range: what becomes 0 and 1, one for all sources or one each; None leaves it to the Fuser.
        depth: of the result; None takes that of the deepest source.
        resize: `larger`, `smaller`, or the index of the source whose size all take; None refuses unequal sizes.
        align: the motion by which the other sources are registered to the second; None trusts them.
        sheet: whether a contact sheet is written too.
        windows: what becomes 0 and 1 of each DICOM or NIfTI source; None leaves it to the file.
    """

    value_range: tuple[ValueRange, ...] | None = None
    depth: Depth | None = None
    resize: Literal["larger", "smaller"] | int | None = None
    align: Motion | None = None
    sheet: bool = False
    windows: tuple[Window | None, ...] | None = None

    def as_settings(self) -> dict[str, Any]:
        """The options as JSON holds them."""
        settings = asdict(self)
        return {**settings, "value_range": self.value_range and list(self.value_range)}


@dataclass(frozen=True)
class Target:
    """Where a fused picture goes.

    Attributes:
        folder: it is made where it is missing.
        stem: the name without its suffix.
        suffix: such as `.png`; None takes that of the second source where it can hold the result, else `.png`, or
            `.tif` for floats.
    """

    folder: Path
    stem: str
    suffix: str | None = None


@dataclass(frozen=True)
class Job:
    """The sources of one fused picture and its target."""

    stack: Stack
    target: Target


@dataclass(frozen=True)
class Product:
    """What a job wrote.

    Attributes:
        output: the fused picture.
        sheet: the contact sheet, where one was asked for.
        remarks: what a person should know, such as how a source was registered.
    """

    output: Path
    sheet: Path | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: the job.
        status: `fused`; `skipped`, since an earlier run did it; or `failed`.
        output: the fused picture, where there is one.
        sheet: the contact sheet, where one was asked for.
        remarks: what a person should know of it.
        reason: why it failed.
        seconds: that it took.
    """

    job: Job
    status: Literal["fused", "skipped", "failed"]
    output: Path | None = None
    sheet: Path | None = None
    remarks: tuple[str, ...] = ()
    reason: str | None = None
    seconds: float = 0.0

    def as_record(self) -> dict[str, Any]:
        """The outcome as JSON holds it, without what does not apply."""
        record = {
            "name": self.job.stack.name,
            "sources": [str(path) for path in self.job.stack.paths],
            "output": self.output and str(self.output),
            "sheet": self.sheet and str(self.sheet),
            "remarks": list(self.remarks) or None,
            "reason": self.reason,
            "seconds": round(self.seconds, 4) if self.status == "fused" else None,
        }
        return {key: value for key, value in record.items() if value is not None}
