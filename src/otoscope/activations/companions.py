"""Record a model together with its twins, over one reading of the audio."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from otoscope.activations.recording import OnBadAudio, record_all
from otoscope.activations.store import Store
from otoscope.activations.twins import Kind, place_of, unlearned
from otoscope.engines import EngineName
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import path_of
from otoscope.models.base import AudioModel
from otoscope.models.registry import families, load_model
from otoscope.tasks.base import Task

__all__ = ["record_twins", "with_twins"]

Place = str | os.PathLike[str]


class Options(TypedDict, total=False):
    """What `record` takes besides model, task and folder."""

    batch_size: int | None
    workers: int
    threads: int | None
    engine: EngineName
    ray_address: str | None
    device: str | None
    on_bad_audio: OnBadAudio
    limit: int | None
    special: bool
    padding: bool
    rows: bool
    progress: bool


def record_twins(
    model: AudioModel | str,
    task: Task,
    out: Place,
    n: int = 3,
    *,
    shuffled: int = 0,
    allow: Sequence[str] = (),
    **options: Unpack[Options],
) -> Store:
    """Record a model and its twins over one reading of the audio.

    The twins' stores lie beside the model's own (see `Store.twins`). What is recorded already is kept: a
    second call adds the twins that are missing, and completes what was interrupted. All models are in memory
    at the same time.

    Args:
        model: the model, or its name.
        task: the clips.
        out: folder of the model's store.
        n: untrained twins, with the seeds 0 to n - 1.
        shuffled: twins with the trained weights shuffled within each tensor, likewise.
        allow: dotted names that the model's weight file may call, see `load_model`.
        **options: as for `record`.

    Returns:
        The model's store.

    Raises:
        UsageError: a negative number of twins, or a model that is untrained itself, or that no name makes
            again.
        OtoscopeError: as for `record`.
    """
    made = load_model(model, allow=allow) if isinstance(model, str) else model
    models, outs = with_twins([made], [out], n, shuffled=shuffled, allow=allow)
    return record_all(models, task, outs, **options)[0]


def with_twins(
    models: Sequence[AudioModel],
    outs: Sequence[Place],
    n: int,
    *,
    shuffled: int = 0,
    allow: Sequence[str] = (),
) -> tuple[list[AudioModel], list[Path]]:
    """Models and then their twins, each with the folder of its store: what `record_all` takes.

    Args:
        models: trained models.
        outs: folder of each one's store.
        n: untrained twins of each.
        shuffled: shuffled twins of each.
        allow: as for `load_model`.

    Raises:
        UsageError: as for `record_twins`.
    """
    for what, number in (("twins", n), ("shuffled", shuffled)):
        if number < 0:
            raise UsageError(f"{what} is {number}; expected 0 or more, for example 3")
    wanted: list[tuple[Kind, int]] = [("random", seed) for seed in range(n)]
    wanted += [("shuffled", seed) for seed in range(shuffled)]
    all_models, places = list(models), [path_of(out) for out in outs]
    for model, out in zip(models, outs, strict=True):
        if wanted:
            _check(model, path_of(out))
        for kind, seed in wanted:
            all_models.append(_twin(model, kind, seed, allow))
            places.append(place_of(path_of(out), kind, seed))
    return all_models, places


def _twin(model: AudioModel, kind: Kind, seed: int, allow: Sequence[str]) -> AudioModel:
    twin = load_model(f"{kind}:{model.name}@{seed}", device=model.device, allow=allow)
    if twin.layers != model.layers:
        raise OtoscopeError(
            f"{twin.name} has other layers than {model.name}; expected the same architecture; was the model "
            "changed after it was loaded?"
        )
    if twin.fingerprint == model.fingerprint:
        raise UsageError(
            f"{twin.name} has the very weights of {model.name}: it is untrained itself; expected a trained "
            "model for twins"
        )
    return twin


def _check(model: AudioModel, out: Path) -> None:
    """Refuse a model that has no twins, with the reason."""
    family = model.name.partition(":")[0]
    if what := unlearned(model.name):
        raise UsageError(
            f"{model.name} is {what} itself and has no twins; expected a trained model; try it without twins"
        )
    if family not in families():
        raise UsageError(
            f"no name makes {model.name!r} again, so its twins cannot be made; expected a model of "
            "`otoscope models`; try recording a module with fresh weights yourself, with record(..., "
            f"{str(place_of(out, 'random', 0))!r})"
        )
