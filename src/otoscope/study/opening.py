"""The tasks of a study, opened."""

from typing import TYPE_CHECKING

from otoscope.study.plan import Study

if TYPE_CHECKING:
    from otoscope.tasks import Task

__all__ = ["task_of"]


def task_of(plan: Study, name: str) -> "Task":
    """A task of a study, as the study wants it.

    Raises:
        UsageError: the study names a labeling that it does not have.
        TaskError: it cannot be read.
    """
    from otoscope.tasks import load_task

    entry = plan.tasks[name]
    task = load_task(
        entry.spec, seconds=entry.seconds, labels=entry.labelings, evar_lengths=entry.evar_lengths
    )
    named = [each.partition(":")[2] for each in plan.compared if each.partition(":")[0] == name]
    named += [each.labeling for each in plan.ablations if each.task == name and each.labeling]
    for labeling in named:
        task.labeling(labeling)
    return task if entry.clips is None else task.head(entry.clips)
