"""Hear recorded clips again: the model that was recorded, and the sound of a clip as it was recorded."""

from __future__ import annotations  # PyTorch only lends names here; it is loaded with the model

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope import audio
from otoscope.errors import OtoscopeError, UsageError
from otoscope.tasks.lengths import crop

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from otoscope.activations.store import Store
    from otoscope.audio import Sound
    from otoscope.models.base import AudioModel

__all__ = ["recorded_model", "require_model", "require_recorded", "sound_of"]


def recorded_model(
    store: Store, model: AudioModel | None = None, device: torch.device | str | None = None
) -> AudioModel:
    """The model that a store was recorded with.

    Args:
        store: the recording.
        model: the model itself, where its name does not find it; by default it is loaded by its name.
        device: where to move it; it stays where it is by default.

    Raises:
        OtoscopeError: no model is found by that name, or it has other weights or another front end.
    """
    return require_model(store.path, store.info["model"], model, device)


def require_model(
    path: Path,
    recorded: Mapping[str, Any],
    model: AudioModel | None,
    device: torch.device | str | None,
    dtype: str | None = None,
) -> AudioModel:
    """The same for a store of which only the plan can be read.

    Args:
        path: its folder.
        recorded: what the plan says of the model.
        model: the model itself.
        device: where to move it.
        dtype: what it is to compute in, if it is loaded by its name.
    """
    if model is None:
        from otoscope.models import load_model

        options: dict[str, Any] = {} if dtype is None else {"dtype": dtype}
        try:
            model = load_model(recorded["name"], **options)
        except UsageError as error:
            raise OtoscopeError(
                f"{path} was recorded with {recorded['name']!r}, a name that finds no model here; "
                "expected the recorded model: give it in Python, as model=..., or install the package that "
                f"brings its family ({error})"
            ) from error
    if model.fingerprint != recorded["fingerprint"]:
        raise OtoscopeError(
            f"{path} was recorded with the model {recorded['name']!r} (fingerprint "
            f"{recorded['fingerprint'][:12]}), not with {model.name!r} ({model.fingerprint[:12]}); expected "
            "the same weights and front end: give that model, or record again"
        )
    return model if device is None else model.to(device)


def sound_of(clip: pd.Series[Any], task: Mapping[str, Any]) -> Sound:
    """The sound of a clip, cut and cropped as it was recorded.

    Args:
        clip: its row in the table of clips.
        task: what the store's `info` says of the task.

    Raises:
        AudioError: it can no longer be read.
    """
    start, stop = (None if pd.isna(clip.get(key)) else float(clip[key]) for key in ("start", "stop"))
    length = crop(clip, task["seconds"], task.get("evar_lengths", False))
    return audio.decode(clip["path"], start=start, stop=stop, crop=length)


def require_recorded(path: str, sha256: str) -> None:
    """Refuse a file that is not the one that was recorded.

    Args:
        path: of the file.
        sha256: of the content that was recorded; "" if that is not known.

    Raises:
        AudioError: it is not there, or has other content.
    """
    found = audio.content_hash(path)
    if sha256 and found != sha256:
        raise audio.altered(path, found, sha256)
