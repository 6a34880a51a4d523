"""What is switched off in one recording, step by step."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from otoscope.files import slug
from otoscope.study.dissecting import recording_of
from otoscope.study.entries import AblationEntry, Match
from otoscope.study.plan import Study
from otoscope.study.steps import Step

if TYPE_CHECKING:
    from otoscope.activations import Store
    from otoscope.interventions.targets import Learning, Maker, Target
    from otoscope.models import AudioModel

__all__ = ["ablating"]


@dataclass(frozen=True)
class _Design:
    """One experiment: whose neurons, at which gains, beside which controls.

    Attributes:
        what: the words by which `otoscope ablate` is asked for these neurons.
        at: chooses them, given a gain.
        gains: factors on them.
        matched: kinds of control sets; none where targets are held against one another only.
        entry: what the study says of it.
    """

    what: tuple[str, ...]
    at: "Callable[[float], Maker]"
    gains: tuple[float, ...]
    matched: tuple[Match, ...]
    entry: AblationEntry

    @property
    def options(self) -> list[str]:
        """All of it as `otoscope ablate` takes it."""
        gains = () if self.gains == (0.0,) else self.gains
        words = [*self.what, *_repeated("--gain", (f"{gain:g}" for gain in gains))]
        words += _repeated("--match", self.matched)
        words += ["--controls", str(self.entry.controls)] if self.entry.controls != 20 else []
        words += ["--clips", str(self.entry.clips)] if self.entry.clips else []
        return words + (["--probe", self.entry.probe] if self.entry.probe != "logistic" else [])

    def targets(self, learning: "Learning") -> "list[Target]":
        """The neurons switched off, and over the gains if there are several."""
        from otoscope.interventions.targets import gains_of

        if len(self.gains) == 1:
            return list(self.at(self.gains[0])(learning))
        off = self.at(0.0)
        return [*off(learning), *gains_of(off, self.gains)(learning)]


def ablating(
    plan: Study,
    model: str,
    task: str,
    store: "Store",
    loaded: "Callable[[], AudioModel]",
    *,
    progress: bool = False,
) -> Iterator[Step]:
    """The experiments that a study asks for on a recording; `loaded` gives the model when it is needed."""
    for label in store.labelings:
        for entry in plan.ablations:
            if entry.asks(model, task, label):
                for design in _designs(entry):
                    yield _step(plan, f"{model} {task} {label}", store, label, design, loaded, progress)


def _designs(entry: AblationEntry) -> Iterator[_Design]:
    """The experiments of an entry: one, or all classes together and then class by class."""
    if entry.neurons or entry.classes:
        words = ("--neurons", entry.neurons) if entry.neurons else _repeated("--class", entry.classes)
        yield _Design(words, partial(_these, entry), entry.gains, entry.matched, entry)
        return
    yield _Design(("--all",), _all, entry.gains, entry.matched, entry)
    if entry.each_class != "skip":
        yield _Design((), _one_by_one, (0.0,), entry.matched if entry.each_class == "control" else (), entry)


def _repeated(option: str, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in (option, value))


def _these(entry: AblationEntry, gain: float) -> "Maker":
    """The neurons of a published list, or of some classes together."""
    from otoscope.interventions.targets import class_neurons, named

    return named(entry.neurons, level=gain) if entry.neurons else class_neurons(entry.classes, level=gain)


def _all(gain: float) -> "Maker":
    from otoscope.interventions.targets import all_neurons

    return all_neurons(level=gain)


def _one_by_one(gain: float) -> "Maker":
    from otoscope.interventions.targets import class_neurons

    return class_neurons(level=gain)


def _step(
    plan: Study,
    name: str,
    store: "Store",
    label: str,
    design: _Design,
    loaded: "Callable[[], AudioModel]",
    progress: bool,
) -> Step:
    options = design.options
    place = store.results / f"ablate-{slug(' '.join([label, *options]))}"
    settings: dict[str, Any] = {
        **recording_of(store),
        "label": label,
        "seed": plan.seed,
        "design": design.entry.model_dump(mode="json", exclude={"model", "task", "labeling"}),
    }

    def do() -> None:
        from otoscope.interventions import ablate

        ablation = ablate(
            store,
            label,
            targets=design.targets,
            controls=design.entry.controls,
            matched=design.matched,
            clips=design.entry.clips,
            model=loaded(),
            probe=design.entry.probe,
            seed=plan.seed,
            cache=place / "outcomes",
            progress=progress,
        )
        replace(ablation, settings={**ablation.settings, "options": options}).save(place)

    return Step(f"ablate {name} {' '.join(options)}".strip(), place / "ablation.json", settings, do)
