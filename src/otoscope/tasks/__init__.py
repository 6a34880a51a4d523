"""Tasks: tables of clips with labels, and the readers of the public layouts."""

from otoscope.tasks.base import Task
from otoscope.tasks.check import check
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.registry import available, load_task
from otoscope.tasks.survey import Survey, survey

__all__ = [
    "Labeling",
    "Reader",
    "Request",
    "Survey",
    "Task",
    "TaskError",
    "available",
    "check",
    "load_task",
    "survey",
]
