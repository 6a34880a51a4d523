"""Tasks: tables of clips with labels, and the readers of the public layouts."""

from otoscope.tasks.base import Task
from otoscope.tasks.labeling import Labeling, TaskError

__all__ = ["Labeling", "Task", "TaskError"]
