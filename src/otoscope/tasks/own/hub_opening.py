"""Open a data set with the library `datasets`: a saved folder, another that it takes, or a hub name."""

import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit
from urllib.request import getproxies

from otoscope.archives import unsafe
from otoscope.arrow_files import rows
from otoscope.errors import UsageError
from otoscope.tasks.labeling import TaskError

__all__ = ["opened"]

_SAVED = ("dataset_dict.json", "state.json")
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_FOLDER = (
    "hf:FOLDER with a folder that save_to_disk wrote, or that `hf download --repo-type dataset NAME "
    "--local-dir FOLDER` fetched where there is a network"
)


def opened(place: str, config: str) -> Mapping[str, Any]:
    """The splits of a data set by their names; a single one is called "".

    Args:
        place: a folder, or a name on the hub.
        config: which of its configurations; "" where it has but one.

    Raises:
        TaskError: `datasets` is not installed, or cannot open it.
        UsageError: a saved folder is asked for a configuration.
    """
    if not _installed():
        raise TaskError(
            f"hf:{place} needs the package datasets, which is not installed; "
            "try pip install 'otoscope[datasets]'"
        )
    folder = Path(place).expanduser()
    if any((folder / name).is_file() for name in _SAVED):
        if config:
            raise UsageError(
                f"{place} was saved by save_to_disk, without configurations; leave out @{config}"
            )
        found = _saved(folder)
    else:
        _check(place, folder)
        found = _loaded(str(folder) if folder.is_dir() else place, config)
    return found if isinstance(found, dict) else {"": found}


def _installed() -> bool:
    found = find_spec("datasets")
    return found is not None and found.origin is not None  # a mere folder of that name has no origin


def _saved(folder: Path) -> Any:
    import datasets

    _check_state(folder)
    try:
        return datasets.load_from_disk(str(folder.absolute()), keep_in_memory=False)
    except Exception as error:  # whatever a damaged folder makes the library raise
        raise TaskError(
            f"{folder}: cannot be read as save_to_disk writes it ({_said(error)}); try saving or copying it "
            "again"
        ) from error


def _check_state(folder: Path) -> None:
    """Refuse what the library would open blindly, or not heed."""
    for state in (folder / "state.json", *sorted(folder.glob("*/state.json"))):
        if not state.is_file():
            continue
        try:
            said = json.loads(state.read_text(encoding="utf-8"))
            files = [str(file["filename"]) for file in said["_data_files"]]
        except (ValueError, KeyError, TypeError) as error:
            raise TaskError(
                f"{state}: is not as save_to_disk writes it ({_said(error)}); try saving it again"
            ) from None
        if said.get("_indices_data_files"):
            raise TaskError(
                f"{state}: an old version of datasets saved it with a choice of rows that today's would not "
                "heed; try opening it with that version, flatten_indices, and saving it again"
            )
        if not files:  # the library fails on it
            raise TaskError(
                f"{state}: is of a split without rows; expected some; try saving without that split"
            )
        for name in files:
            if reason := unsafe(name):
                raise TaskError(f"{state}: names {name!r}, which {reason}; expected files beside it")
            _check_file(state.parent / name)


def _check_file(path: Path) -> None:
    try:
        rows(path)
    except FileNotFoundError:
        raise TaskError(
            f"{path}: does not exist; expected an Arrow file; try copying the folder again"
        ) from None
    except OSError as error:  # told here, since a damaged file may end the process if it is used unchecked
        raise TaskError(f"{path}: {error}; try copying the folder again, or `git lfs pull`") from None


def _check(place: str, folder: Path) -> None:
    """Refuse a place that can be neither a folder nor a name."""
    if folder.is_file():
        raise TaskError(f"{place}: is a file; expected a folder; try hf:{folder.parent}, or manifest:{place}")
    if not folder.is_dir() and (place.startswith(".") or not _HUB_NAME.fullmatch(place)):
        raise TaskError(
            f"{place}: no such folder; expected one that save_to_disk wrote, or a data set's name on the hub "
            "such as PolyAI/minds14"
        )


def _loaded(place: str, config: str) -> Any:
    import datasets

    local = Path(place).is_dir()
    try:
        with ExitStack() as stack:
            stack.enter_context(_without_torchcodec())
            if not local and not _reachable():
                # The library then looks into its cache at once; else it tries for half a minute.
                stack.enter_context(patch.object(datasets.config, "HF_HUB_OFFLINE", True))
            return datasets.load_dataset(place, config or None, keep_in_memory=False)
    except ConnectionError as error:
        raise TaskError(
            f"{place} is neither a folder here nor in the local cache, and the Hugging Face hub cannot be "
            f"reached; expected a network, or a folder; try {_FOLDER}"
        ) from error
    except Exception as error:  # whatever a stranger's files make the library raise
        said = _said(error)
        if "scripts are no longer supported" in said:
            raise TaskError(
                f"{place} brings code of its own, which is never run; try {_FOLDER}, of its Parquet files"
            ) from error
        if isinstance(error, datasets.exceptions.DatasetNotFoundError):
            raise TaskError(
                f"{place} is neither a folder here nor a data set of the Hugging Face hub that you may read "
                f"({said}); try another name, `hf auth login`, or {_FOLDER}"
            ) from error
        if "onfig" in said and isinstance(error, ValueError):
            raise TaskError(f"{place}: {said}; try hf:{place}@CONFIG") from error
        if local:
            raise TaskError(
                f"{place}: is no data set that `datasets` can load ({said}); expected a folder that "
                "save_to_disk wrote, an audiofolder or Parquet files; try `folder:` or `manifest:`"
            ) from error
        raise TaskError(f"{place}: `datasets` cannot load it ({said}); try {_FOLDER}") from error


@contextmanager
def _without_torchcodec() -> Iterator[None]:
    """Let the library write down paths and bytes of sounds without torchcodec.

    To make a table of an audiofolder or WebDataset shards it calls `Audio.encode_example`, which imports
    torchcodec, and so FFmpeg, before it looks whether there is anything to encode.
    """
    from datasets import Audio

    original = Audio.encode_example

    def encode(feature: Any, value: Any) -> Any:
        if isinstance(value, (str, os.PathLike)):
            return {"bytes": None, "path": os.fspath(value)}
        if isinstance(value, (bytes, bytearray)):
            return {"bytes": bytes(value), "path": None}
        if isinstance(value, dict) and set(value) == {"bytes", "path"}:
            return value
        return original(feature, value)

    with patch.object(Audio, "encode_example", encode):
        yield


def _reachable() -> bool:
    """Whether the hub's address is known here; behind a proxy it need not be."""
    from huggingface_hub.constants import ENDPOINT

    if getproxies():
        return True
    try:
        socket.getaddrinfo(urlsplit(ENDPOINT).hostname, None)
    except OSError:
        return False
    return True


def _said(error: BaseException) -> str:
    """What an error says, and the one behind it, on one line."""
    inner = f": {error.__cause__}" if error.__cause__ else ""
    return " ".join(f"{type(error).__name__}: {error}{inner}".split())[:300]
