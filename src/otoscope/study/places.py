"""Where what a study makes lies in its folder."""

from pathlib import Path

from otoscope.files import slug
from otoscope.study.plan import Study

__all__ = ["across_of", "store_of", "stores_of"]


def store_of(folder: Path, model: str, task: str) -> Path:
    """The recording of a task by a model, both by their names in the study."""
    return folder / "stores" / f"{model}-{task}.zarr"


def stores_of(plan: Study, folder: Path) -> dict[tuple[str, str], Path]:
    """All recordings of a study, by the names of model and task."""
    return {(model, task): store_of(folder, model, task) for model in plan.models for task in plan.tasks}


def across_of(folder: Path, model: str, one: str, other: str) -> Path:
    """What two labelings, each written TASK:LABELING, share on a model.

    It is a folder of the first one's recording: there `otoscope share` writes it, and a report looks for it.
    """
    (task, label), (other_task, other_label) = one.split(":", 1), other.split(":", 1)
    name = "-".join(map(slug, (label, f"{model}-{other_task}-{other_label}")))
    return store_of(folder, model, task) / "results" / f"share-{name}"
