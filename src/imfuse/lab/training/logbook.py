"""What a training tells while it runs: TensorBoard scalars and pictures, and a line or a bar on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter


class Logbook:
    """Writes to TensorBoard and to the terminal; a context manager.

    Args:
        folder: of TensorBoard's files.
        start: updates that are done; what a killed training logged beyond is dropped.
        steps: updates in all.
        name: of what is done, beside the bar.
    """

    def __init__(self, folder: Path, start: int, steps: int, name: str = "training") -> None:
        self.writer = SummaryWriter(str(folder), purge_step=start)
        self.console = Console(stderr=True)
        self.steps = steps
        # Outside a terminal, such as in a log file, one line for each log takes the place of the bar.
        self.progress = progress_bar(self.console)
        self.task = self.progress.add_task(name, total=steps, completed=start)

    def __enter__(self) -> Logbook:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()
        self.writer.close()

    def note(self, text: str) -> None:
        """Say something on the terminal."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def advance(self, done: int) -> None:
        """Move the bar to `done` updates."""
        self.progress.update(self.task, completed=done)

    def scalars(self, done: int, terms: Mapping[str, float], others: Mapping[str, float]) -> None:
        """Log the terms of the loss, and other values such as the learning rate, after `done` updates."""
        for name, value in terms.items():
            self.writer.add_scalar(f"loss/{name}", value, done)
        for name, value in others.items():
            self.writer.add_scalar(f"training/{name}", value, done)
        text = "  ".join(f"{name} {value:.4f}" for name, value in terms.items())
        self.progress.update(self.task, description=text)
        if not self.console.is_terminal:
            self.console.print(f"step {done}/{self.steps}  {text}", highlight=False, soft_wrap=True)

    def picture(self, done: int, picture: Tensor) -> None:
        """Log a grey picture `(h, w)` in [0, 1]."""
        self.writer.add_image("example", picture, done, dataformats="HW")


def progress_bar(console: Console) -> Progress:
    """A bar with how many are done, and how long the rest takes; it shows on terminals alone."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)
