"""What a search leaves in its folder: the course of it, the networks it tried, and the one it found (no torch)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from imfuse.errors import SearchError
from imfuse.images.storage import write_file
from imfuse.lab.search.strategies.trial import Trial

RECIPE, WINNER, COURSE, TRIALS = "recipe.yaml", "winner.json", "course.jsonl", "trials.jsonl"
CHECKPOINT, LOGS, PAGE = "checkpoint.safetensors", "tensorboard", "search.html"
TIMES, TRAINING, ZOO = "times.json", "training", "zoo"

SWEPT = "weight-"
"""What the names of the folders of a sweep over weights begin with."""

COURSE_KEYS = ("step", "stage", "values", "probabilities", "genotype")
TRIAL_KEYS = ("genotype", "loss", "milliseconds", "seconds")


@dataclass(frozen=True)
class Row:
    """One logged moment of a search by gradients.

    Attributes:
        step: updates done.
        stage: number of the stage, counted from 0; -1 in the warm-up.
        values: `training_loss`; after the warm-up also `search_loss` (without the time), the expected `milliseconds`
            of a whole call, and the norm of the `architecture_gradient`, all before the update.
        probabilities: of the options of every choice.
        genotype: of the likeliest options.
    """

    step: int
    stage: int
    values: dict[str, float]
    probabilities: dict[str, list[float]]
    genotype: str


@dataclass(frozen=True)
class Found:
    """What a strategy ended with.

    Attributes:
        genotype: the network.
        loss: its search loss, as the strategy measures it.
        seconds: that the search took in all.
        notes: warnings.
    """

    genotype: Any
    loss: float
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Winner:
    """The network that a search found, and what it takes.

    Attributes:
        genotype: its text.
        loss: search loss, of the strategy's own kind: on the supernet, or after a short training.
        predicted_ms: of a whole call of the Fuser, by the table of latencies.
        measured_ms: of a whole call of the Fuser.
        weight: of a millisecond in the search that found it.
        seconds: that the search took, those before an interruption included.
        strategy: that found it.
        notes: warnings, such as of a collapse.
    """

    genotype: str
    loss: float
    predicted_ms: float
    measured_ms: float
    weight: float
    seconds: float
    strategy: str
    notes: tuple[str, ...] = field(default=())

    def write(self, folder: Path) -> None:
        """Write `winner.json`, all or nothing.

        Raises:
            ImageWriteError: it cannot be written.
        """
        write_file(folder / WINNER, (json.dumps(asdict(self), indent=2) + "\n").encode())

    @classmethod
    def read(cls, folder: Path) -> Winner:
        """Read `winner.json`.

        Raises:
            SearchError: it is missing or damaged.
        """
        try:
            values = json.loads((folder / WINNER).read_text(encoding="utf-8"))
            return cls(**{**values, "notes": tuple(values["notes"])})
        except FileNotFoundError as error:
            raise SearchError(f"{folder}: no {WINNER}; let `imfuse search` finish there first") from error
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise SearchError(f"{folder / WINNER}: not what a search wrote ({error}); search with --restart") from error


def append_line(path: Path, values: Mapping[str, Any]) -> None:
    """Add a line of JSON, and see that it is on the disk."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(values) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_course(folder: Path) -> list[Row]:
    """The rows of a search by gradients; none where there are none.

    Raises:
        SearchError: the file is damaged.
    """
    return [Row(**values) for values in _lines(folder / COURSE, COURSE_KEYS)]


def cut_course(folder: Path, done: int) -> None:
    """Drop what an interrupted search logged after its last checkpoint."""
    _write_lines(folder / COURSE, [row for row in _lines(folder / COURSE, COURSE_KEYS) if row["step"] <= done])


def read_trials(folder: Path) -> list[dict[str, Any]]:
    """The networks that were tried, as `{"genotype": text, "loss": ..., "milliseconds": ..., "seconds": ...}`.

    Raises:
        SearchError: the file is damaged.
    """
    return list(_lines(folder / TRIALS, TRIAL_KEYS))


def cut_trials(folder: Path) -> None:
    """Drop a last line that a killed search did not finish, after which no other could be added."""
    _write_lines(folder / TRIALS, read_trials(folder))


def trial_line(trial: Trial[Any], seconds: float) -> dict[str, Any]:
    """A trial as it stands in the file; an infinite loss, of a network that diverged, as null."""
    loss = trial.loss if abs(trial.loss) < float("inf") else None
    return {
        "genotype": str(trial.genotype),
        "loss": loss,
        "milliseconds": trial.milliseconds,
        "seconds": round(seconds, 3),
    }


def winners(folder: Path) -> list[Winner]:
    """Those of a sweep over weights that are found so far, by rising time; of another search its only one."""
    swept = [path for path in folder.glob(f"{SWEPT}*") if (path / WINNER).is_file()]
    alone = [folder] if (folder / WINNER).is_file() else []
    return sorted(map(Winner.read, swept or alone), key=lambda winner: winner.predicted_ms)


def _lines(path: Path, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The whole lines of a file; the last may be cut short by a killed search."""
    if not path.is_file():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            return
        try:
            values = json.loads(line)
            if set(values) != set(keys):
                raise ValueError(f"expected {', '.join(keys)}")
        except (ValueError, TypeError) as error:
            raise SearchError(
                f"{path}, line {number}: not what a search wrote ({error}); search with --restart"
            ) from error
        yield values


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    write_file(path, "".join(json.dumps(row) + "\n" for row in rows).encode())
