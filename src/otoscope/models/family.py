"""What a family of models is to the registry: how its models are named, and what loads them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from otoscope.models.base import AudioModel

__all__ = ["Family", "ModelRow", "Request"]


@dataclass(frozen=True)
class ModelRow:
    """A kind of model that exists, in words.

    Attributes:
        name: how to name it, with the parts that vary in capitals: "beats:PATH".
        about: what it is.
        example: a complete spec.
        needs: what has to be installed or on disk.
        layers: how many layers of how many units, "12 x 3072 (base)".
        hook: the pattern of the modules whose output (or input) its neurons are.
        tokens: what its positions are, and in which order.
        shortest: the shortest clip that it takes.
        padding: what keeps a clip's counts apart from its neighbours' and from padding.
        tested: against what it has been tested.
    """

    name: str
    about: str
    example: str = ""
    needs: str = "nothing"
    layers: str = ""
    hook: str = ""
    tokens: str = ""
    shortest: str = ""
    padding: str = ""
    tested: str = ""


@dataclass(frozen=True)
class Request:
    """What is asked of a family.

    Attributes:
        name: the name that the model is to have: the spec that makes it again.
        rest: the spec without the family and its options: a path or a name.
        hook: where to listen: "mlp", "residual", "attention" or a pattern of module names.
        seed: None for trained weights; else the seed of fresh ones, for an untrained twin.
        options: the family's own, by name, as text.
        allow: dotted names that a weight file may call while it is read.
    """

    name: str
    rest: str
    hook: str = "mlp"
    seed: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    allow: Sequence[str] = ()


@dataclass(frozen=True)
class Family:
    """A family of models, named by the first part of a spec.

    A third party registers one as an entry point of the group "otoscope.models".

    Attributes:
        name: the first part of the spec, "beats" in "beats:PATH".
        rows: the kinds of models in it.
        load: makes a model, on the CPU, in float32 and in evaluation mode.
        options: names of the options it takes.
    """

    name: str
    rows: Sequence[ModelRow]
    load: Callable[[Request], AudioModel]
    options: Sequence[str] = ()
