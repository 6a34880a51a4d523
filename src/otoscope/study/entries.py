"""The sections of a study file: a model, a task, what is shared, what is switched off, the report."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from otoscope.neurons.designs import DesignName

__all__ = [
    "AblationEntry",
    "Count",
    "Match",
    "ModelEntry",
    "ReportEntry",
    "Section",
    "SharingEntry",
    "TaskEntry",
]

Count = Annotated[int, Field(ge=0)]
Role = Literal["self-supervised", "supervised", "untrained"]
Match = Literal["layer", "rate", "displacement", "neighbour", "directions", "components"]


class Section(BaseModel):
    """Keys of a study file; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelEntry(Section):
    """A model of a study.

    Attributes:
        spec: as `load_model` takes it.
        role: how it learned, for comparing models by it.
    """

    spec: str
    role: Role


class TaskEntry(Section):
    """A task of a study.

    Attributes:
        spec: as `load_task` takes it.
        labelings: those to dissect, in this order; by default all.
        clips: record so many of the clips only, spread over the classes of the first labeling.
        seconds: crop and zero-pad clips to this length; by default clips stay whole.
        evar_lengths: crop and pad clips as EVAR does for this data set instead.
        designs: by labeling, which labels may change places; by default what it and its groups show. One
            whose groups hold one label or several needs it: "crossed" leaves those of one label as they are.
    """

    spec: str
    labelings: tuple[str, ...] = ()
    clips: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None
    evar_lengths: bool = False
    designs: dict[str, DesignName] = Field(default_factory=dict)


class SharingEntry(Section):
    """Which labelings' classes are compared by the neurons that they share, each written TASK:LABELING.

    Attributes:
        across: pairs of labelings, on every model.
        within: labelings whose classes are compared with one another; by default all.
    """

    across: tuple[tuple[str, str], ...] = ()
    within: tuple[str, ...] | None = None


class AblationEntry(Section):
    """Neurons that are switched off, and their controls.

    What is left out of model, task and labeling is not restricted: an entry without any of them switches off
    the neurons of every labeling, on every model.

    Attributes:
        model: name of a model of the study.
        task: name of a task of the study.
        labeling: one of the task's.
        classes: the neurons of these classes together; by default those of all classes together, and then
            each class's by themselves.
        neurons: a published list of neurons in their place, such as "kawamura2026:anger-happiness".
        each_class: what is asked of each class's neurons by themselves: `switch` them off, so that classes
            are held against one another; `control` them too, beside control sets of their own; or `skip`.
        gains: factors on the neurons, for the curve of dose and response; 0 is off.
        matched: kinds of control sets, see `otoscope.interventions.controls`.
        controls: control sets of each kind; no p falls below 1 / (controls + 1).
        clips: hear at most so many of the test clips; by default all.
        probe: the classifier that judges.
    """

    model: str | None = None
    task: str | None = None
    labeling: str | None = None
    classes: tuple[str, ...] = ()
    neurons: str | None = None
    each_class: Literal["switch", "control", "skip"] = "switch"
    gains: Annotated[tuple[Annotated[float, Field(allow_inf_nan=False)], ...], Field(min_length=1)] = (0.0,)
    matched: Annotated[tuple[Match, ...], Field(min_length=1)] = ("displacement",)
    controls: Annotated[int, Field(ge=20)] = 20
    clips: Annotated[int, Field(ge=1)] | None = None
    probe: Literal["logistic", "evar"] = "logistic"

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if self.classes and self.neurons:
            raise ValueError("both classes and neurons are given; expected one of them")
        if self.each_class != "switch" and (self.classes or self.neurons):
            raise ValueError("each_class is given with classes or neurons; expected it without them")
        return self

    def asks(self, model: str, task: str, labeling: str) -> bool:
        """Whether it is asked for on this model, by name, and this labeling of this task."""
        wanted = ((self.model, model), (self.task, task), (self.labeling, labeling))
        return all(asked in (None, there) for asked, there in wanted)


class ReportEntry(Section):
    """What the report shows.

    Attributes:
        neurons: at most so many neurons have a page.
        sound: hear examples of them again, to be played.
    """

    neurons: Count = 100
    sound: bool = True
