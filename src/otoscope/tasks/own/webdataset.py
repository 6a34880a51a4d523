"""WebDataset: samples in TAR shards, read in place."""

import glob
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from otoscope.archives import protocol
from otoscope.audio import SUFFIXES
from otoscope.tasks import guessing
from otoscope.tasks.base import RESERVED, Task
from otoscope.tasks.cells import alike, some
from otoscope.tasks.labeling import TaskError
from otoscope.tasks.reader import Reader, Request, told
from otoscope.tasks.tables import SPLITS, need_columns, read_document, read_lines
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree, is_file, is_folder, located

__all__ = ["WebDataset"]

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
# What a sample's document must not decide: where its clip is, and what a recording adds.
_OURS = {*RESERVED, "expected_sha256", "clip", "path", "start", "stop"}


class WebDataset(Reader):
    """Samples in TAR shards, as the library webdataset writes them; nothing is unpacked.

    The shards are the TARs of a folder and of those in it, or those of a pattern, `shards/{000..012}.tar` or
    `shards/*.tar`. A sample is the members whose names agree up to the first dot: sound in one, labels in the
    others. `.cls` and `.txt` become columns of these names, a line a label; so does every field of `.json`
    that is a value or a list of values. Clips are called SHARD/KEY.

    Labels, groups and the split are found among the columns as in a manifest. Without a column of the split,
    shards that are all called train, valid or test (`train/000.tar`, `test-000.tar`) tell it. Samples without
    sound are left out and counted.
    """

    name = "webdataset:DIR_OR_PATTERN"
    about = "samples in TAR shards, as the library webdataset writes them"
    needs = f"shards *.tar with KEY{SUFFIXES[0]} ... and KEY.cls, KEY.txt or KEY.json"
    layout = "DIR/\n  000.tar\n    a.flac\n    a.json ...\n  001.tar ..."
    splits = "a field `split` or `fold`, or shards called train, valid, test, if there are"
    obtain = "try `manifest:` if a table tells the labels"

    def load(self, request: Request) -> Task:
        """Read the labels of every sample."""
        place = request.place
        root, shards = self._shards(place)
        if not shards:
            raise self.refuse(place, "no shard is there")
        clips = _clips(place, root, shards)
        if clips is None:
            raise self.refuse(place, f"none of {len(shards)} shards holds sound ({', '.join(SUFFIXES)})")
        clips = guessing.in_parts(clips, place)
        columns = request.labels or guessing.need(
            guessing.label_columns(clips, request.separator), clips, place
        )
        need_columns(clips, tuple(columns), place)
        clips = guessing.cut(clips, columns, request.separator)
        group, split = guessing.group_column(clips), guessing.split_column(clips)
        labelings = guessing.labelings(clips, columns, group, split, request.separator)
        return Task(Path(root).resolve().name, clips, labelings)

    def _shards(self, place: str) -> tuple[str, list[str]]:
        """The folder that all shards have in common, and their paths."""
        where = located(place)
        if is_folder(where):
            tree = told(Tree.at(where))
            return str(where), [tree.path(name) for name in tree.files if protocol(name) == "tar"]
        patterns = _expanded(str(where))
        found = [sorted(glob.glob(pattern)) for pattern in patterns]  # noqa: PTH207 -- it may be absolute
        missing = [pattern for pattern, paths in zip(patterns, found, strict=True) if not paths]
        if missing:
            raise self.refuse(
                place, f"{len(missing)} of {len(patterns)} shards are not there ({some(missing)})"
            )
        shards = [path for path in dict.fromkeys(chain(*found)) if is_file(path)]
        strangers = [path for path in shards if protocol(path) != "tar"]
        if strangers:
            raise self.refuse(place, f"{some(strangers)} is no TAR by its name")
        return os.path.commonpath([str(Path(path).parent) for path in shards] or ["."]) or ".", shards


def _expanded(pattern: str) -> list[str]:
    """A pattern for each choice of what stands in braces, as a shell has it.

    >>> _expanded("{train,test}-{08..10}.tar")[:4]
    ['train-08.tar', 'train-09.tar', 'train-10.tar', 'test-08.tar']
    """
    found = _BRACES.search(pattern)
    if found is None:
        return [pattern]
    choices = found[1].split(",")
    if numbers := _RANGE.fullmatch(found[1]):
        first, last = int(numbers[1]), int(numbers[2])
        choices = [f"{number:0{len(numbers[1])}}" for number in range(first, last + 1)]
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [whole for choice in choices for whole in _expanded(before + choice + after)]


def _clips(place: str, root: str, shards: list[str]) -> pd.DataFrame | None:
    rows: list[dict[str, Any]] = []
    silent: list[str] = []
    unlabelled: list[str] = []
    spare: list[str] = []
    nested: dict[str, None] = {}
    parts = {shard: _part(os.path.relpath(shard, root)) for shard in shards}
    for shard in shards:
        tree = told(Tree.at(shard))
        called = Path(os.path.relpath(shard, root)).as_posix().partition(".tar")[0]
        for key, members in _samples(tree):
            clip = f"{called}/{key}"
            sounds = [suffix for suffix in members if suffix.lower().endswith(SUFFIXES)]
            if not sounds:
                silent.append(clip)
                continue
            if len(sounds) > 1:
                spare.append(clip)
            fields = _fields(tree, members, nested)
            if not fields:
                unlabelled.append(clip)
            if "split" not in fields and "fold" not in fields and all(parts.values()):
                fields["split"] = parts[shard]
            rows.append({"clip": clip, "path": tree.path(members[sounds[0]]), **fields})
    for names, what in (
        (silent, "samples without sound are left out"),
        (unlabelled, "samples have no labels"),
        (spare, "samples have more than one sound: the first by name is taken"),
        (list(nested), "fields of documents are neither values nor lists of values, and left out"),
    ):
        if names:
            warn(f"{place}: {len(names)} {what} ({some(names)})")
    if not rows:
        return None
    table = pd.DataFrame(rows)
    return table.assign(**{name: alike(table[name]) for name in table.columns[2:]})


def _samples(tree: Tree) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each key of a shard, and the sample's members by the rest of their names."""
    samples: dict[str, dict[str, str]] = defaultdict(dict)
    for name in tree.files:
        folder, slash, base = name.rpartition("/")
        key, _, suffix = base.partition(".")
        samples[folder + slash + key][f".{suffix}"] = name
    yield from samples.items()


def _fields(tree: Tree, members: dict[str, str], nested: dict[str, None]) -> dict[str, Any]:
    """What the members of a sample say of it; names of fields that no column can hold go into `nested`."""
    fields: dict[str, Any] = {}
    if ".json" in members:
        where = tree.path(members[".json"])
        document = read_document(where)
        if not isinstance(document, dict):
            raise TaskError(f"{where}: holds no fields; expected an object with names")
        for name, value in document.items():
            items = value if isinstance(value, list) else [value]
            if any(isinstance(item, (dict, list)) for item in items):
                nested[name] = None
            elif name not in _OURS:
                fields[name] = value
    for suffix in (".txt", ".cls"):
        if suffix in members:
            lines = read_lines(tree.path(members[suffix]))
            fields[suffix[1:]] = lines if len(lines) > 1 else next(iter(lines), None)
    return fields


def _part(shard: str) -> str | None:
    """The part of the split that a shard's name tells.

    >>> _part("en/train-000.tar"), _part("000.tar")
    ('train', None)
    """
    words = [SPLITS[word] for word in re.split(r"[^a-z]+", shard.lower()) if word in SPLITS]
    return words[0] if len(set(words)) == 1 else None
