"""Options and choices that several verbs have."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else there.")
]

Out = Annotated[Path | None, typer.Option(help="Folder for the tables (default: results/ in the store).")]

Seed = Annotated[int, typer.Option(help="Seed of everything random.")]

Label = Annotated[
    str, typer.Option("--label", help="A labeling of the store; `otoscope info STORE` lists them.")
]

Seconds = Annotated[
    float | None, typer.Option(help="Crop and zero-pad clips to this length (default: whole clips).")
]

EvarLengths = Annotated[
    bool, typer.Option("--evar-lengths", help="Crop and pad clips as EVAR does for this data set.")
]

TaskLabels = Annotated[
    list[str] | None,
    typer.Option("--label", help="A labeling to take, or a column of a table (default: all found)."),
]

Separator = Annotated[
    str | None,
    typer.Option(help="What stands between labels in a cell of a table (default: a comma); '' for none."),
]

Workers = Annotated[int, typer.Option(min=1, help="Processes; the result is the same to the bit.")]

RayAddress = Annotated[
    str | None,
    typer.Option(help="The Ray cluster's address (default: RAY_ADDRESS, or one of this machine)."),
]

StorePath = Annotated[str, typer.Argument(metavar="STORE", help="A store that `otoscope record` made.")]


class EngineChoice(StrEnum):
    """Where the workers are."""

    local = "local"
    ray = "ray"


Engine = Annotated[
    EngineChoice,
    typer.Option("--engine", help="Where the workers are: on this machine, or on a Ray cluster."),
]


class Bad(StrEnum):
    """What to do about a clip that cannot be read."""

    stop = "stop"
    skip = "skip"


class Pooling(StrEnum):
    """How the clips of a class are pooled."""

    token = "token"
    clip = "clip"


class Design(StrEnum):
    """Between which clips labels may change places."""

    ungrouped = "ungrouped"
    nested = "nested"
    crossed = "crossed"


class Probe(StrEnum):
    """Which linear classifier reads the clip embeddings."""

    logistic = "logistic"
    evar = "evar"


class Judge(StrEnum):
    """What judges an ablation: a linear classifier, or the model's own."""

    logistic = "logistic"
    evar = "evar"
    own = "own"


class How(StrEnum):
    """What is done to the neurons that an ablation switches."""

    gain = "gain"
    mean = "mean"
    clamp = "clamp"
    resample = "resample"
    patch = "patch"


class Match(StrEnum):
    """What control sets have in common with a target."""

    layer = "layer"
    rate = "rate"
    displacement = "displacement"
    neighbour = "neighbour"
    directions = "directions"
    components = "components"


class Device(StrEnum):
    """Where a model runs."""

    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Dtype(StrEnum):
    """What a model computes in."""

    float32 = "float32"
    bfloat16 = "bfloat16"
