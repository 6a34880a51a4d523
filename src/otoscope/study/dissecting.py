"""What is found out about every labeling of one recording, step by step."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.activations.held import held
from otoscope.files import slug, write_json
from otoscope.study.plan import Study
from otoscope.study.steps import Step

if TYPE_CHECKING:
    from otoscope.activations import Store

__all__ = ["PRESETS", "dissecting", "recording_of"]

PRESETS = ("specific", "aape")
"""What selects neurons: the recommended selector, and the paper's filters."""


def dissecting(plan: Study, model: str, task: str, store: "Store") -> Iterator[Step]:
    """Evidence, probe, sharing within and account of the sound, for each labeling of a recording."""
    source = held(store)
    for label in store.labelings:
        common = recording_of(store) | {"label": label, "seed": plan.seed}
        common["design"] = plan.tasks[task].designs.get(label)
        yield _evidence(plan, f"{model} {task} {label}", source, label, common)
        yield _probe(plan, f"{model} {task} {label}", source, label, common)
        if plan.sharing.within is None or f"{task}:{label}" in plan.sharing.within:
            yield _within(plan, f"{model} {task} {label}", source, label, common)
        if plan.acoustics and plan.models[model].role != "untrained":
            yield _acoustics(plan, f"{model} {task} {label}", source, label, common)


def recording_of(store: "Store") -> dict[str, Any]:
    """Which weights heard which clips, and beside which twins: what a result of a recording depends on."""
    info = store.info
    return {
        "model": info["model"]["fingerprint"],
        "task": info["task"]["fingerprint"],
        "twins": [twin.name for twin in store.twins],
    }


def _evidence(plan: Study, name: str, store: Any, label: str, common: Mapping[str, Any]) -> Step:
    options: dict[str, Any] = {
        "permutations": plan.permutations, "splits": plan.splits, "bootstrap": plan.bootstrap
    }  # fmt: skip

    def do() -> None:
        from otoscope.neurons.evidence.gathering import evidence

        found = evidence(store, label, presets=PRESETS, seed=plan.seed, design=common["design"], **options)
        for selection in found.selections.values():
            selection.save(store.results / selection.folder)
        found.save(store.results / found.folder)

    return Step(f"evidence {name}", store.results / f"evidence-{slug(label)}", {**common, **options}, do)


def _probe(plan: Study, name: str, store: Any, label: str, common: Mapping[str, Any]) -> Step:
    place = store.results / f"probe-{slug(label)}.json"

    def do() -> None:
        from otoscope.interventions import probe_accuracy

        write_json(place, probe_accuracy(store, label, seed=plan.seed).document())

    return Step(f"probe {name}", place, common, do)


def _within(plan: Study, name: str, store: Any, label: str, common: Mapping[str, Any]) -> Step:
    place: Path = store.results / f"share-{slug(label)}"

    def do() -> None:
        from otoscope.neurons import sharing_test
        from otoscope.neurons.sharing.profiles import profile_correlation

        options: dict[str, Any] = {"permutations": plan.permutations, "seed": plan.seed}
        sharing_test(store, label, **options, design=common["design"]).save(place)
        profile_correlation(store, label, **plan.correlating, design=common["design"]).save(place)

    return Step(f"share {name}", place, {**common, **plan.correlating}, do)


def _acoustics(plan: Study, name: str, store: Any, label: str, common: Mapping[str, Any]) -> Step:
    place: Path = store.results / f"acoustics-{slug(label)}"

    def do() -> None:
        from otoscope.neurons.meaning.acoustics import acoustics

        found = acoustics(
            store, label, permutations=plan.permutations, seed=plan.seed, design=common["design"]
        )
        found.save(place)

    return Step(f"acoustics {name}", place, {**common, "permutations": plan.permutations}, do)
