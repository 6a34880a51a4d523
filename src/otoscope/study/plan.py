"""What a study is: one YAML file, checked to the last key, from which all of it can be run again."""

import os
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from otoscope.errors import OtoscopeError, UsageError
from otoscope.study.entries import (
    AblationEntry,
    Count,
    ModelEntry,
    ReportEntry,
    Section,
    SharingEntry,
    TaskEntry,
)
from otoscope.study.wrong_keys import sentence

__all__ = ["BUILT_IN", "Study", "StudyError", "built_in", "parse_study", "read_study"]

BUILT_IN = ("quick", "demo", "full")
"""The studies of the embedded miniature that come with the package."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Positive = Annotated[int, Field(ge=1)]

_PLACE = re.compile(r"\{(\w+)\}")
_MOST_RESAMPLES = 100
_LEAST = 19  # permutations, the fewest by which one neuron can be told to follow a descriptor at 5 %


class StudyError(OtoscopeError):
    """A study file that cannot be used; the message names every wrong key."""


class Study(Section):
    """What to run. `otoscope run` reads it from a YAML file with these keys.

    Attributes:
        version: of the file's form: 1.
        name: what the study is called.
        paths: what stands for {name} in the specs; null where it has to be filled in.
        models: by a short name.
        tasks: by a short name.
        on_bad_audio: stop at a clip that cannot be read, or skip it.
        permutations: label permutations behind every chance level and the tests of sharing.
        twins: untrained twins recorded beside each trained model.
        shuffled: twins with the trained weights shuffled, likewise.
        splits: how often the groups are split in halves, for the stability; 0 for none.
        bootstrap: draws of groups behind the intervals of held-out effects; and, but no more than 100, of
            correlated profiles, since there each draw takes all of them anew.
        sharing: whose neurons are compared.
        acoustics: ask of every trained model what its neurons follow in the sound.
        ablations: what is switched off.
        report: what the report shows.
        seed: of everything random.
    """

    version: Literal[1]
    name: str
    paths: dict[str, str | None] = {}
    models: Annotated[dict[Name, ModelEntry], Field(min_length=1)]
    tasks: Annotated[dict[Name, TaskEntry], Field(min_length=1)]
    on_bad_audio: Literal["stop", "skip"] = "stop"
    permutations: Positive = 100
    twins: Count = 2
    shuffled: Count = 1
    splits: Count = 3
    bootstrap: Count = 200
    sharing: SharingEntry = SharingEntry()
    acoustics: bool = True
    ablations: tuple[AblationEntry, ...] = ()
    report: ReportEntry = ReportEntry()
    seed: Count = 0

    @model_validator(mode="after")
    def _names_are_there(self) -> Self:
        wrong = [*self._wrong_places(), *self._wrong_ablations()]
        if self.acoustics and self.permutations < _LEAST:
            wrong.append(f"permutations is {self.permutations}; expected {_LEAST} or more with acoustics")
        designed = [f"{name}:{label}" for name, task in self.tasks.items() for label in task.designs]
        wrong += [text for each in [*self.compared, *designed] for text in self._wrong_labeling(each)]
        if wrong:
            raise ValueError("; ".join(dict.fromkeys(wrong)))
        return self

    @property
    def compared(self) -> tuple[str, ...]:
        """The labelings that `sharing` names, TASK:LABELING."""
        pairs = [each for pair in self.sharing.across for each in pair]
        return tuple(dict.fromkeys([*pairs, *(self.sharing.within or ())]))

    @property
    def correlating(self) -> dict[str, Any]:
        """The numbers that correlated profiles depend on."""
        resamples = max(1, min(self.bootstrap, _MOST_RESAMPLES))
        return {"permutations": self.permutations, "resamples": resamples, "seed": self.seed}

    @property
    def missing(self) -> tuple[str, ...]:
        """The paths that are used and have to be filled in."""
        used = [name for _, spec in self._specs() for name in _PLACE.findall(spec)]
        return tuple(name for name in dict.fromkeys(used) if not self.paths.get(name))

    def filled(self) -> "Study":
        """The study with its paths put into the specs.

        Raises:
            StudyError: paths have to be filled in; all of them are named.
        """
        if self.missing:
            raise StudyError(
                f"study {self.name!r}: {', '.join(f'paths.{name}' for name in self.missing)} "
                "not filled in; expected where each lies on this machine; comments beside them in the file "
                "say where to get it"
            )
        return self.partly_filled()

    def partly_filled(self) -> "Study":
        """The same with the paths that are filled in; the others stay as {name}."""
        return self.model_copy(
            update={
                "models": {name: self._with_paths(each) for name, each in self.models.items()},
                "tasks": {name: self._with_paths(each) for name, each in self.tasks.items()},
            }
        )

    def _with_paths(self, entry: Any) -> Any:
        spec = _PLACE.sub(lambda match: _expanded(self.paths[match[1]] or match[0]), entry.spec)
        return entry.model_copy(update={"spec": spec})

    def _specs(self) -> Iterator[tuple[str, str]]:
        yield from ((f"models.{name}.spec", entry.spec) for name, entry in self.models.items())
        yield from ((f"tasks.{name}.spec", entry.spec) for name, entry in self.tasks.items())

    def _wrong_places(self) -> Iterator[str]:
        for key, spec in self._specs():
            for name in _PLACE.findall(spec):
                if name not in self.paths:
                    there = ", ".join(self.paths) or "none"
                    yield f"{key} is {spec!r}, and paths has no {name!r}; expected one of {there}"

    def _wrong_ablations(self) -> Iterator[str]:
        for number, each in enumerate(self.ablations):
            for key, name, there in (("model", each.model, self.models), ("task", each.task, self.tasks)):
                if name is not None and name not in there:
                    yield f"ablations.{number}.{key} is {name!r}; expected one of {', '.join(there)}"
            if each.labeling is not None and each.task in self.tasks:
                yield from self._wrong_labeling(f"{each.task}:{each.labeling}")

    def _wrong_labeling(self, written: str) -> Iterator[str]:
        task, colon, labeling = written.partition(":")
        if not (colon and labeling):
            yield f"{written!r} is no labeling; expected TASK:LABELING, a task of {', '.join(self.tasks)}"
        elif task not in self.tasks:
            yield f"{written!r} is of no task of the study; expected one of {', '.join(self.tasks)}"
        elif (named := self.tasks[task].labelings) and labeling not in named:
            yield f"{written!r} is not dissected; expected one of tasks.{task}.labelings: {', '.join(named)}"


def _expanded(path: str) -> str:
    """A path with the home folder in place of ~; a URL is left as it is."""
    return str(Path(path).expanduser()) if path.startswith("~") else path


def read_study(path: str | os.PathLike[str]) -> Study:
    """Read and check a study file.

    Raises:
        StudyError: it is not there, not YAML, or has missing, unknown or impossible keys (all are named).
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise StudyError(
            f"{path}: {error.strerror}; expected a study file; try studies/kawamura2026.yaml, or a "
            f"study that comes along: {', '.join(f'`otoscope demo --{name}`' for name in ('quick', 'full'))}"
        ) from error
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise StudyError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    return parse_study(document, where=str(path))


def parse_study(document: Any, *, where: str = "study") -> Study:
    """Check a document of plain values; `where` begins the message of an error.

    >>> parse_study({"version": 1, "name": "x", "models": {}, "tasks": {"a": {"spek": "folder:x"}}})
    Traceback (most recent call last):
    otoscope.study.plan.StudyError: study: models is {}; expected at least 1 item;
    tasks.a.spec is missing; tasks.a has no key 'spek'; expected spec, labelings, clips, seconds,
    evar_lengths, designs
    """
    if not isinstance(document, dict):
        raise StudyError(f"{where} holds {document!r}; expected keys such as version, name, models, tasks")
    try:
        return Study.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(sentence(Study, item) for item in error.errors())
        raise StudyError(f"{where}: {problems}") from error


def built_in(name: str) -> Study:
    """A study of the embedded miniature that comes with the package.

    Raises:
        UsageError: another name.

    >>> list(built_in("demo").models)
    ['ssl', 'supervised', 'untrained']
    """
    if name not in BUILT_IN:
        raise UsageError(f"no study {name!r} comes along; expected one of {', '.join(BUILT_IN)}")
    place = files("otoscope.study") / "plans" / f"{name}.yaml"
    return parse_study(yaml.safe_load(place.read_text(encoding="utf-8")), where=f"plans/{name}.yaml")
