"""The files of a Hugging Face model, in a local folder or fetched from the hub, read without running code."""

import json
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from torch import Tensor

from otoscope.errors import OtoscopeError, UsageError
from otoscope.models.checkpoints import CheckpointError, read_weights

WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # safetensors first: they can hold nothing but tensors
_INDEX = ".index.json"
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FOLDER = (
    "hf:FOLDER with a folder that holds config.json and the weights (`hf download NAME --local-dir FOLDER`)"
)


@dataclass(frozen=True)
class Files:
    """The files of a model.

    Attributes:
        place: a local folder or the model's name on the hub.
        revision: branch, tag or commit on the hub; None for its main branch.
    """

    place: str
    revision: str | None = None

    def check(self) -> None:
        """Refuse a place that can be neither a folder nor a name.

        Raises:
            UsageError: it is a file or not there, or a local folder is asked for a revision.
        """
        path = Path(self.place)
        if path.is_file():
            raise UsageError(f"{path} is a file; expected a folder with config.json; try hf:{path.parent}")
        named = _HUB_NAME.fullmatch(self.place) and not self.place.startswith(".")
        if not path.is_dir() and not named:
            raise UsageError(
                f"{path}: no such folder; expected a folder with config.json, or a model's name on the hub "
                "such as facebook/wav2vec2-base"
            )
        if path.is_dir() and self.revision:
            raise UsageError(
                f"{path} is a local folder, which has no revision {self.revision!r}; leave it out"
            )

    def get(self, name: str) -> Path | None:
        """Where a file of that name is on disk, fetched if need be; None if the model has none.

        Raises:
            OtoscopeError: the hub does not answer, or does not give it.
        """
        if Path(self.place).is_dir():
            path = Path(self.place, name)
            return path if path.is_file() else None
        return self._fetched(name)

    def pinned(self) -> "Files":
        """The same files at the commit that is `revision` now: all of one state, and no more questions.

        What the cache has of a commit, or knows to be none of it, is not asked of the hub again.
        """
        path = None if Path(self.place).is_dir() else self.get("config.json")
        kept = path is not None and path.parent.parent.name == "snapshots"
        return replace(self, revision=path.parent.name) if path and kept else self

    def json(self, name: str, *, needed: bool = True) -> dict[str, Any] | None:
        """A JSON file as a dict; None if the model has none of that name.

        Args:
            name: of the file.
            needed: whether it matters that the hub does not answer; else that counts as no such file.

        Raises:
            OtoscopeError: it holds something else, or cannot be had.
        """
        try:
            path = self.get(name)
        except OtoscopeError:
            if needed:
                raise
            return None
        if path is None:
            return None
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise OtoscopeError(f"{path} is not JSON ({error}); try fetching it again") from error
        if not isinstance(document, dict):
            raise OtoscopeError(f"{path} holds a {type(document).__name__}; expected a JSON object")
        return document

    def weights(self, prefixes: Sequence[str], allow: Sequence[str]) -> dict[str, Tensor]:
        """The model's weights by name, mapped rather than read where the format allows it.

        Args:
            prefixes: only weights whose names begin with one of these, which is taken off; all if empty.
                Shards without such weights are not fetched.
            allow: see `read_checkpoint`.

        Raises:
            CheckpointError: a file cannot be read, or would run code.
            OtoscopeError: there are none.
        """
        tensors: dict[str, Tensor] = {}
        for path in self._weight_files(prefixes):
            document = read_weights(path, allow)
            tensors |= {name: value for name, value in document.items() if isinstance(value, Tensor)}
        return within(tensors, prefixes) if prefixes else tensors

    def _weight_files(self, prefixes: Sequence[str]) -> list[Path]:
        unreachable: OtoscopeError | None = None
        for name in WEIGHTS:
            try:  # without a network one of the two may be in the cache all the same
                if (path := self.get(name)) is not None:
                    return [path]
                if (index := self.json(name + _INDEX)) is not None:
                    return [self._shard(shard) for shard in _shards(index, prefixes)]
            except CheckpointError:
                raise
            except OtoscopeError as error:
                unreachable = unreachable or error
        if unreachable:
            raise unreachable
        folder = Path(self.place)
        held = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        raise OtoscopeError(
            f"{self.place} has no weights ({', '.join(held[:10]) or 'nothing'} there); expected "
            f"{' or '.join(WEIGHTS)}, whole or in shards with {_INDEX}; "
            f"try random:hf:{self.place} for an untrained model"
        )

    def _shard(self, name: str) -> Path:
        if (path := self.get(name)) is None:
            raise CheckpointError(
                Path(self.place, name), "no such file, which the index of shards names; try fetching it"
            )
        return path

    def _fetched(self, name: str) -> Path | None:
        from huggingface_hub import hf_hub_download, try_to_load_from_cache
        from huggingface_hub.errors import (
            EntryNotFoundError,
            GatedRepoError,
            HFValidationError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        try:
            if self.revision and _COMMIT.fullmatch(self.revision):
                cached = try_to_load_from_cache(self.place, name, revision=self.revision)
                if cached is not None:  # a path, or the mark of what is known not to exist
                    return Path(cached) if isinstance(cached, str) else None
            only_here = not reachable()
            path = hf_hub_download(self.place, name, revision=self.revision, local_files_only=only_here)
            return Path(path)
        except LocalEntryNotFoundError as error:
            if try_to_load_from_cache(self.place, name, revision=self.revision) is not None:
                return None  # known not to exist; a path would have been given above
            raise OtoscopeError(
                f"{self.place} is neither a folder here nor in the local cache ({name}), and the Hugging "
                f"Face hub cannot be reached; expected a network, or a folder; try {_FOLDER}"
            ) from error
        except EntryNotFoundError:
            return None
        except GatedRepoError as error:
            raise OtoscopeError(
                f"{self.place} is gated on the Hugging Face hub; expected access to it; try asking for it on "
                "its page, then `hf auth login`"
            ) from error
        except RevisionNotFoundError as error:
            raise UsageError(
                f"{self.place} has no revision {self.revision!r} on the Hugging Face hub"
            ) from error
        except (RepositoryNotFoundError, HFValidationError) as error:
            raise OtoscopeError(
                f"{self.place} is neither a folder here nor a public model of the Hugging Face hub; try "
                f"another name, or {_FOLDER}"
            ) from error
        except OSError as error:  # what else the network or the disk says
            raise OtoscopeError(
                f"{self.place}: {name} cannot be fetched from the Hugging Face hub ({error}); expected a "
                f"network; try {_FOLDER}"
            ) from error


def reachable() -> bool:
    """Whether the hub's address is known here; behind a proxy it need not be.

    Asked first, since huggingface_hub tries for half a minute to reach what is not there.
    """
    from huggingface_hub.constants import ENDPOINT

    if getproxies():
        return True
    try:
        socket.getaddrinfo(urlsplit(ENDPOINT).hostname, None)
    except OSError:
        return False
    return True


def within(tensors: Mapping[str, Tensor], prefixes: Sequence[str]) -> dict[str, Tensor]:
    """The weights whose names begin with one of the prefixes, by what follows it.

    >>> within({"tower.a": 1, "b": 2}, ["model.tower.", "tower."])
    {'a': 1}
    """
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        for prefix in prefixes
        if name.startswith(prefix)
    }


def _shards(index: Mapping[str, Any], prefixes: Sequence[str]) -> list[str]:
    """The files that an index of shards names for the weights that are wanted."""
    wanted = [
        file for name, file in index.get("weight_map", {}).items() if name.startswith(tuple(prefixes) or "")
    ]
    return sorted(set(wanted))
