"""Progress on stderr."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Report:
    """A bar for the spectrograms and one for each phase, with its loss; silent if not `shown`."""

    def __init__(self, shown: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not shown,
        )
        self._bar: TaskID | None = None
        self._batch_size = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def spectrograms(self, done: int, total: int) -> None:
        """Say how many clips have their spectrogram."""
        if self._bar is None:
            self._bar = self._progress.add_task("log-mel spectrograms", total=total, figures="clips")
        self._progress.update(self._bar, completed=done)

    def start(self, objective: str, done: int, total: int, batch_size: int) -> None:
        """Begin the bar of a phase."""
        self._batch_size = batch_size
        self._bar = self._progress.add_task(objective, total=total, completed=done, figures="")

    def advance(self, loss: float) -> None:
        """One more update, with its loss."""
        assert self._bar is not None, "start comes before advance"
        task = self._progress.tasks[self._bar]
        rate = f", {task.speed * self._batch_size:.0f} clips/s" if task.speed else ""
        self._progress.update(self._bar, advance=1, figures=f"loss {loss:.4f}{rate}")
