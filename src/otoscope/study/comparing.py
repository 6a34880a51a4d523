"""What classes of two tasks have in common on one model, step by step."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from otoscope.activations.held import held
from otoscope.files import slug
from otoscope.study.dissecting import recording_of
from otoscope.study.places import across_of, store_of
from otoscope.study.plan import Study
from otoscope.study.steps import Step

__all__ = ["comparing"]


def comparing(plan: Study, folder: Path, model: str, one: str, other: str) -> Iterator[Step]:
    """The neurons that two labelings share, each written TASK:LABELING, and their correlated profiles."""
    from otoscope.activations import open_store

    tasks, labels = zip(*(each.split(":", 1) for each in (one, other)), strict=True)
    stores = [held(open_store(store_of(folder, model, task))) for task in tasks]
    place = across_of(folder, model, one, other)
    designs = [plan.tasks[task].designs.get(label) for task, label in zip(tasks, labels, strict=True)]
    options: dict[str, Any] = {"permutations": plan.permutations, "seed": plan.seed}

    def do() -> None:
        from otoscope.neurons import sharing_test
        from otoscope.neurons.sharing.profiles import profile_correlation

        sides = (stores[0], labels[0], stores[1], labels[1])
        sharing_test(*sides, **options, design=designs[0], other_design=designs[1]).save(place)
        found = profile_correlation(*sides, **plan.correlating, design=designs[0], other_design=designs[1])
        found.save(place)

    recordings = [recording_of(store) for store in stores]
    settings = {"labels": labels, "recordings": recordings, **plan.correlating, "designs": designs}
    yield Step(f"share {model} {slug(one)} {slug(other)}", place, settings, do)
