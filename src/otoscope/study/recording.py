"""Record the models of a study and their twins on one task, and describe its clips."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from otoscope.study.opening import task_of
from otoscope.study.places import store_of
from otoscope.study.plan import Study

if TYPE_CHECKING:
    from otoscope.models import AudioModel

__all__ = ["record_task"]


def record_task(plan: Study, folder: Path, limit: int | None, device: str, progress: bool, task: str) -> str:
    """Record all models and their twins over one reading of a task; gives back the task's name.

    An untrained model has no twins. The untrained twins of two models of one architecture have the same
    weights: they are recorded once, and the recording is copied.

    Raises:
        OtoscopeError: a model or the task cannot be read, or clips cannot be recorded.
    """
    from otoscope.activations import record_all

    models, places = _family(plan, folder, device, task)
    first: dict[str, Path] = {}
    for model, place in zip(models, places, strict=True):
        first.setdefault(model.fingerprint, place)
    own = [number for number, place in enumerate(places) if place in first.values()]
    record_all(
        [models[number] for number in own],
        task_of(plan, task),
        [places[number] for number in own],
        limit=limit,
        on_bad_audio=plan.on_bad_audio,
        progress=progress,
    )
    for model, place in zip(models, places, strict=True):
        _copy(first[model.fingerprint], place)
    if plan.acoustics:
        trained = [name for name, entry in plan.models.items() if entry.role != "untrained"]
        _describe([store_of(folder, name, task) for name in trained])
    return task


def _family(plan: Study, folder: Path, device: str, task: str) -> "tuple[list[AudioModel], list[Path]]":
    """The models of a study and then their twins, and where their recordings of a task lie."""
    from otoscope.activations import with_twins
    from otoscope.activations.twins import unlearned
    from otoscope.models import load_model

    models = [load_model(entry.spec, device=device) for entry in plan.models.values()]
    places = [store_of(folder, name, task) for name in plan.models]
    trained = [number for number, model in enumerate(models) if not unlearned(model.name)]
    family = with_twins(
        [models[number] for number in trained],
        [places[number] for number in trained],
        plan.twins,
        shuffled=plan.shuffled,
    )
    return models + family[0][len(trained) :], places + family[1][len(trained) :]


def _copy(recording: Path, place: Path) -> None:
    """Copy a recording, without what was found out about it, to where there is none yet."""
    if place.exists():
        return
    partial = place.with_name(f".{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(recording, partial, ignore=shutil.ignore_patterns("results"))
    partial.rename(place)


def _describe(places: Sequence[Path]) -> None:
    """Measure what the clips sound like, once for recordings of the same clips."""
    from otoscope.activations import open_store
    from otoscope.descriptors import describe

    for place in places:
        measured = places[0] / "descriptors.parquet"
        if measured.is_file() and not (place / measured.name).exists():
            shutil.copyfile(measured, place / measured.name)
        describe(open_store(place))
