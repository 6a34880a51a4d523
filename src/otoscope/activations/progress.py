"""Progress of long work on stderr: clips, clips a second, time left."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

__all__ = ["Advance", "counting"]


class Advance(Protocol):
    """Says that so many more clips are done."""

    def __call__(self, clips: int) -> object:
        """Advance."""


class _Rate(ProgressColumn):
    """So many a second."""

    def __init__(self, things: str) -> None:
        super().__init__()
        self._things = things

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} {self._things}/s" if task.speed else "", style="progress.data.speed")


@contextmanager
def counting(
    what: str, total: int | None, done: int = 0, *, shown: bool, things: str = "clips"
) -> Iterator[Advance]:
    """Show a bar within the block, and yield the function that advances it.

    Args:
        what: what is being done, "recording".
        total: clips in all; None if nobody knows.
        done: clips done before.
        shown: False shows nothing.
        things: what is counted.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(f"{{task.completed:.0f}}{'' if total is None else f'/{total}'} {things}"),
        _Rate(things),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=Console(stderr=True),
        disable=not shown,
    )
    with bar:
        task = bar.add_task(what, total=total, completed=done)
        yield lambda clips: bar.advance(task, clips)
