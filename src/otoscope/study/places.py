"""Where what a study makes lies in its folder."""

from collections.abc import Mapping
from pathlib import Path

from otoscope.files import slug
from otoscope.study.plan import Study

__all__ = ["across_of", "store_of", "stores_of", "within_of"]


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


def within_of(plan: Study, stores: Mapping[tuple[str, str], Path], model: str) -> list[tuple[str, str]]:
    """Task and labeling of every sharing within a task: those the study names, or all that are dissected."""
    from otoscope.activations import open_store

    if plan.sharing.within is not None:
        return [(task, label) for task, _, label in (each.partition(":") for each in plan.sharing.within)]
    found = []
    for name, entry in plan.tasks.items():
        place = stores[model, name]
        labels = entry.labelings or (tuple(open_store(place).labelings) if place.is_dir() else ())
        found += [(name, label) for label in labels]
    return found
