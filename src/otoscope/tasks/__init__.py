"""Tasks: tables of clips with labels, and the readers of the public layouts."""

from otoscope.tasks.base import Labeling, Task, TaskError

__all__ = ["Labeling", "Task", "TaskError"]
