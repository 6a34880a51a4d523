"""`hf:DIR` or `hf:NAME`: data sets of Hugging Face's library `datasets`, their sound decoded by us."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from otoscope import arrow_files
from otoscope.tasks import guessing
from otoscope.tasks.base import RESERVED, Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.own.hub_opening import opened
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import SPLITS, need_columns
from otoscope.tasks.telling import warn
from otoscope.urls import is_url

__all__ = ["HuggingFace"]

_OURS = ("clip", "path", "start", "stop", *RESERVED)  # columns of the data set that would mean another thing


class HuggingFace(Reader):
    """A data set of the library `datasets`: a folder that `save_to_disk` wrote, an audiofolder or Parquet
    files that `load_dataset` takes, or a name on the hub, with `@CONFIG` where it has several.

    Sound is read from the Arrow files themselves, or from the files that they name: torchcodec and FFmpeg
    are not needed, and `datasets` only to load the task, not to read its clips. Data sets that bring code
    are refused, and streaming is not supported. What is not a saved folder goes through the library's cache.

    One column must be of the kind Audio. The labelings are the columns of the kind ClassLabel, alone or in
    lists, with the classes in their order; if there are none, what `manifest:` would guess; with `labels`,
    any column of texts, whole numbers or truth values, or lists of them. Columns of other kinds, and those
    called clip, path, start or stop, are not taken over.

    The splits of the data set are train, valid and test by their names, or by the first part of the name:
    "train.clean.100" and "train.other.500" are both of train. Others ("unsupervised") are left out with a
    warning. Where there are fewer than two parts, a column `split` or `fold` counts. A clip is called as its
    file, if all the files have names that differ; else by its split and row, "train/7".
    """

    name = "hf:DIR_OR_NAME[@CONFIG]"
    about = "a Hugging Face data set: a saved folder, or a name on the hub"
    needs = "a folder of save_to_disk, an audiofolder or Parquet files, or a network; the extra [datasets]"
    layout = "DIR/\n  dataset_dict.json\n  train/data-00000-of-00001.arrow, dataset_info.json, state.json ..."
    splits = "those of the data set, or a column `split` or `fold`"
    obtain = "get it with `hf download --repo-type dataset NAME --local-dir DIR`"

    def load(self, request: Request) -> Task:
        """Read the table of a data set; its sound stays where it is."""
        place, config = _parted(request.place)
        parts = opened(place, config)
        declared = _declared(parts.values())
        clips = guessing.in_parts(_clips(parts, place), place)
        columns = list(request.labels) or _guessed(clips, declared, request, place)
        need_columns(clips, tuple(columns), place)
        clips = guessing.cut(clips, [name for name in columns if name not in declared], request.separator)
        labelings = [_labeling(clips, name, declared.get(name), request.separator) for name in columns]
        if blank := [labeling.name for labeling in labelings if not labeling.classes]:
            raise TaskError(f"{place}: no clip has a label in the column {', '.join(blank)}; try another")
        info = next(iter(parts.values())).info
        return Task(
            "-".join(filter(None, (Path(place).expanduser().absolute().name, config))),
            clips,
            tuple(labelings),
            citation=info.citation or "",
            licence=info.license or "",
        )


def _parted(place: str) -> tuple[str, str]:
    """The folder or name, and the configuration after an "@"; a folder's name may hold one."""
    name, _, config = place.rpartition("@")
    return (name, config) if name and not Path(place).expanduser().exists() else (place, "")


def _clips(parts: Mapping[str, Any], place: str) -> pd.DataFrame:
    """The rows of all splits that have sound, with a column `split` where the splits are parts of ours."""
    ours = {key: SPLITS.get(re.split(r"[._-]", key.lower())[0]) for key in parts}
    split = len(set(ours.values()) - {None}) > 1
    tables = []
    for key, part in parts.items():
        if split and ours[key] is None:
            warn(f"{place}: left out its split {key!r} of {len(part)} rows: not of train, valid or test")
            continue
        table = _rows(key, part, place)
        tables.append(table.assign(split=ours[key]) if split else table)
    clips = pd.concat(tables)
    if not clips["clip"].all() or clips["clip"].duplicated().any():
        clips["clip"] = clips.index
    silent = clips["path"] == ""
    if silent.any():
        warn(f"{place}: left out {silent.sum()} rows without sound: {some(list(clips.index[silent]))}")
    return clips[~silent].reset_index(drop=True)


def _rows(key: str, part: Any, place: str) -> pd.DataFrame:
    """A split's plain columns, `path`, and `clip` with the names of the files; the index is split and row."""
    column = _audio_column(part.features, place)
    names = [name for name, kind in part.features.items() if name not in (*_OURS, column) and _dtype(kind)]
    stored = part.data.table.select(names)
    table: pd.DataFrame = stored.to_pandas(integer_object_nulls=True, ignore_metadata=True)
    for name in names:
        if _is_list(part.features[name]):
            table[name] = pd.Series(map(_without_none, stored.column(name).to_pylist()), dtype=object)
        if classes := _class_names(part.features[name]):
            table[name] = pd.Series([_named(cell, classes) for cell in table[name]], dtype=object)
    paths, files = _sounds(part, column, place)
    table.index = pd.Index([f"{key}/{row}" if key else str(row) for row in range(len(table))])
    return table.assign(path=paths, clip=files)


def _audio_column(features: Mapping[str, Any], place: str) -> str:
    from datasets import Audio

    found = [name for name, kind in features.items() if isinstance(kind, Audio)]
    if len(found) == 1:
        return found[0]
    if not found:
        kinds = some([f"{name} ({type(kind).__name__})" for name, kind in features.items()], 20)
        raise TaskError(
            f"{place}: no column is of the kind Audio; it has {kinds}; try "
            "`dataset.cast_column(NAME, datasets.Audio(decode=False))` and save_to_disk"
        )
    raise TaskError(
        f"{place}: the columns {', '.join(found)} are all of the kind Audio; expected one; try "
        f"`dataset.remove_columns({found[1:]!r})` and save_to_disk"
    )


def _sounds(part: Any, column: str, place: str) -> tuple[list[str], list[str]]:
    """Path or URL of the sound in each row, and the name of its file: "" where there is none."""
    import pyarrow.compute as pc

    cells = part.data.column(column)
    inside = pc.is_valid(pc.struct_field(cells, "bytes")).to_pylist()
    named = [name or "" for name in pc.struct_field(cells, "path").to_pylist()]
    # Relative paths start where the process runs: so does the library take them.
    here = f"{Path.cwd()}/"
    paths = [name if not name or name.startswith("/") or is_url(name) else here + name for name in named]
    if any(inside):
        urls = _urls(part, column, place)
        paths = [url if kept else path for url, kept, path in zip(urls, inside, paths, strict=True)]
    return paths, [name.replace("\\", "/").rpartition("/")[2] for name in named]


def _urls(part: Any, column: str, place: str) -> list[str]:
    """The URL of every row of the Arrow files behind a split."""
    files = [str(Path(file["filename"]).absolute()) for file in part.cache_files]
    urls = [arrow_files.url(file, column, row) for file in files for row in range(arrow_files.rows(file))]
    if len(urls) != len(part):
        raise TaskError(
            f"{place}: its Arrow files have {len(urls)} rows and the data set {len(part)}; expected as many; "
            "try saving it again with save_to_disk"
        )
    return urls


def _declared(parts: Iterable[Any]) -> dict[str, tuple[str, ...]]:
    """The names of the classes of each column that is of the kind ClassLabel, alone or in lists."""
    classes: dict[str, dict[str, None]] = {}
    for part in parts:
        for name, kind in part.features.items():
            if names := _class_names(kind):
                classes.setdefault(name, {}).update(dict.fromkeys(names))
    return {name: tuple(names) for name, names in classes.items()}


def _guessed(clips: pd.DataFrame, declared: Mapping[str, Any], request: Request, place: str) -> Sequence[str]:
    """The columns to take as labelings where the user names none."""
    found = [name for name in declared if name in clips and name not in ("split", "fold")]
    empty = [name for name in found if clips[name].map(_is_empty).all()]
    if empty:
        warn(f"{place}: no clip has a label in the column {', '.join(empty)}; left out")
    clips = clips.drop(columns=empty)
    found = [name for name in found if name in clips]
    return guessing.need(found or guessing.label_columns(clips, request.separator), clips, place)


def _labeling(
    clips: pd.DataFrame, column: str, classes: Sequence[str] | None, separator: str | None
) -> Labeling:
    """The labeling of a column; declared classes keep their order, and are never cut at commas."""
    group, split = guessing.group_column(clips), guessing.split_column(clips)
    separator = separator if classes is None else ""
    (labeling,) = guessing.labelings(clips, [column], group, split, separator)
    if classes is None:
        return labeling
    return replace(labeling, classes=tuple(name for name in classes if name in labeling.classes))


def _is_list(kind: Any) -> bool:
    from datasets import LargeList, List

    return isinstance(kind, (List, LargeList))


def _dtype(kind: Any) -> str:
    """What a column holds, if that can be in our table: texts, numbers, truth values, or lists of labels."""
    from datasets import ClassLabel, Value

    inner = kind.feature if _is_list(kind) else kind
    if not isinstance(inner, (ClassLabel, Value)) or "binary" in inner.dtype:
        return ""
    return "" if _is_list(kind) and inner.dtype.startswith("float") else str(inner.dtype)


def _class_names(kind: Any) -> list[str]:
    """The classes of a ClassLabel, alone or in a list; none of another kind."""
    from datasets import ClassLabel

    inner = kind.feature if _is_list(kind) else kind
    return list(inner.names or ()) if isinstance(inner, ClassLabel) else []


def _named(cell: Any, classes: Sequence[str]) -> Any:
    """The class of a number, or the classes of a list of them; -1 is the library's "no label"."""
    if isinstance(cell, list):
        return [classes[number] for number in cell if number >= 0]
    return None if pd.isna(cell) or cell < 0 else classes[int(cell)]


def _without_none(cell: list[Any] | None) -> list[Any] | None:
    return None if cell is None else [item for item in cell if item is not None]


def _is_empty(cell: Any) -> bool:
    return not cell if isinstance(cell, list) else bool(pd.isna(cell))
