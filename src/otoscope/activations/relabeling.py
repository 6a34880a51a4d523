"""Give a store new labels from a table, without its audio: countries from speakers, octaves from pitches."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from otoscope.activations.disk import writing
from otoscope.activations.layout import Layout
from otoscope.activations.overlay import Overlay, overlays, place
from otoscope.activations.store import Store, open_store
from otoscope.errors import UsageError
from otoscope.files import read_json, slug
from otoscope.tasks.base import RESERVED, Task
from otoscope.tasks.cells import some, texts
from otoscope.tasks.check import check
from otoscope.tasks.guessing import cut
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.tables import need_columns, read_table
from otoscope.tasks.telling import warn

__all__ = ["relabel"]

_NAMED = 10  # keys named in a warning


def relabel(
    store: Store | str | os.PathLike[str],
    table: str | os.PathLike[str],
    on: str | None = None,
    *,
    labels: Sequence[str] = (),
    group: str | None = None,
    split: str | None = None,
    separator: str | None = None,
) -> Store:
    """Give the clips of a store new labels, looked up in a table; the audio is not needed.

    Each new labeling is a file in the store's folder `labels/`; what was recorded stays as it is. To relabel
    again under the same name replaces the labeling. Keys are compared as text: 60, 60.0 and "60" are one. A
    clip whose key the table lacks has no label; keys without a counterpart are told in a warning.

    Args:
        store: a complete store, or the path of one.
        table: CSV, TSV, Parquet or JSON lines with a row a key; a path or an fsspec URL.
        on: the column of keys, in the table and in the store's clips; the table's first by default. `clip`
            is the clips' names. Where a clip has several labels in it, it bears all that they lead to.
        labels: the table's columns to take; by default all but `on`.
        group: the column of what clips share and labels should not be confused with. By default `on` where
            it groups another labeling (speakers, of which the countries are asked), else what the labeling of
            `on` is grouped by; `on` itself where that has no group; else what the first labeling is grouped
            by.
        split: the column of the split. By default that of a labeling of the same groups, if no group lies in
            two of its parts.
        separator: what stands between several labels in a cell of the table: a comma by default; "" where a
            cell is one label whatever it holds. Lists need none.

    Returns:
        The store, opened anew, with the new labelings.

    Raises:
        TaskError: the table cannot be read, lacks a column, gives a key two values, or its labels cannot be
            used: one class only, a class of one clip ...
        UsageError: there is no such column in the store, or a new one would hide one that is there.
        OtoscopeError: not a complete store, or it cannot be written.
    """
    opened = open_store(store.path if isinstance(store, Store) else store)
    where, found = os.fspath(table), read_table(table)
    key = str(found.columns[0]) if on is None else on
    need_columns(found, (key, *labels), where)
    found = found[[name for name in found if name == key or not str(name).startswith("Unnamed")]]
    names = [str(name) for name in labels or found.columns if name != key]
    layout = Layout(opened.path)
    _check_names(opened, layout, names, key, where)
    keys = _keys(opened, key)
    rows = _row_keys(found[key], where)
    _tell_strangers(keys, rows, key, where)
    others = [each for each in opened.labelings.values() if each.name not in names]
    group = _group(others, key) if group is None else _known(opened, group, "group")
    if split is not None:
        _known(opened, split, "split")
    made = []
    for name in names:
        column, multilabel = _column(found[name], rows, keys, separator, where)
        clips = opened.clips.assign(**{name: column})
        fitting = _split(clips[column.notna()], others, group) if split is None else split
        labeling = Labeling.of(clips, name, multilabel=multilabel, group=group, split=fitting)
        check(Task(opened.info["task"]["name"], clips.drop(columns=list(RESERVED)), (labeling,)), files=False)
        made.append(Overlay(labeling, clips[["clip", name]]))
    _tell_stale(opened, layout, made)
    with writing([layout]), layout.locked():
        for overlay in made:
            overlay.save(layout)
    return open_store(opened.path)


def _check_names(store: Store, layout: Layout, names: Sequence[str], key: str, where: str) -> None:
    """Refuse new columns that would hide what the store has, or each other."""
    if not names:
        raise TaskError(f"{where}: has no column but {key!r}; expected one more, with the new labels")
    earlier = {overlay.labeling.name for overlay in overlays(layout)}
    taken = {*store.clips.columns, *store.labelings, "clip", "path"} - earlier
    if hiding := [name for name in names if name in taken]:
        raise UsageError(
            f"{store.path} has {some(hiding)} already; expected names of columns that are new; "
            "try another name in the table, or --label with the columns to take"
        )
    files: dict[str, str] = {}
    for name in [*earlier.difference(names), *names]:
        file = place(layout, name).name.casefold()  # some file systems take names that differ in case for one
        if not slug(name) or file in files:
            like = f" beside {files[file]!r}" if file in files else ""
            raise UsageError(
                f"{name!r}{like} cannot name a file of labels; expected a name with other letters or digits"
            )
        files[file] = name


def _known(store: Store, column: str, role: str) -> str:
    if column not in store.clips:
        raise UsageError(
            f"{store.path} has no column {column!r} to {role} by; try one of {', '.join(store.clips.columns)}"
        )
    return column


def _keys(store: Store, key: str) -> list[list[str]]:
    """The keys of each clip: one, none, or as many as the clip has labels in this column."""
    column = store.clips[_known(store, key, "look up")]
    return texts(column, any(each.multilabel for each in store.labelings.values() if each.column == key))


def _row_keys(column: "pd.Series[Any]", where: str) -> list[str]:
    """The key of each row of the table; "" where it has none."""
    keys = texts(column, multilabel=False)
    if lists := [row for row in keys if len(row) > 1]:
        raise TaskError(f"{where}: column {column.name!r} holds {lists[0]}; expected one key a row")
    if empty := sum(not row for row in keys):
        warn(f"{where}: left out {empty} of {len(keys)} rows, which have no {column.name}")
    return [row[0] if row else "" for row in keys]


def _tell_strangers(keys: Sequence[Sequence[str]], rows: Sequence[str], key: str, where: str) -> None:
    """Warn of keys that only the store has, and of those that only the table has."""
    of_store, of_table = {each for of_clip in keys for each in of_clip}, set(rows) - {""}
    if not of_store & of_table:
        raise TaskError(
            f"{where}: column {key!r} holds {some(sorted(of_table))}, and the store's clips "
            f"{some(sorted(of_store))}; expected common keys; try another column with on= (--on)"
        )
    if lacking := of_store - of_table:
        clips = sum(not lacking.isdisjoint(of_clip) for of_clip in keys)
        warn(
            f"{where}: lacks {len(lacking)} of the store's {len(of_store)} {key} values "
            f"({some(sorted(lacking), _NAMED)}), those of {clips} clips, which get no label by them"
        )
    if strangers := sorted(of_table - of_store):
        warn(
            f"{where}: {len(strangers)} {key} values are in no clip of the store ({some(strangers, _NAMED)})"
        )


def _is_list(cell: Any) -> bool:
    return isinstance(cell, (list, tuple, set, np.ndarray))


def _column(
    values: "pd.Series[Any]",
    rows: Sequence[str],
    keys: Sequence[Sequence[str]],
    separator: str | None,
    where: str,
) -> "tuple[pd.Series[Any], bool]":
    """The clips' labels, looked up in a column of the table, and whether a clip may have several."""
    values = cut(values.to_frame(), [str(values.name)], separator)[values.name]
    commas = separator is None and any("," in cell for cell in values if isinstance(cell, str))
    multilabel = commas or any(map(_is_list, values)) or any(len(of_clip) > 1 for of_clip in keys)
    labels = _looked_up(rows, texts(values, commas), str(values.name), where)
    cells = [
        list(dict.fromkeys(label for key in of_clip for label in labels.get(key, ()))) for of_clip in keys
    ]
    column = [(cell if multilabel else cell[0]) if cell else None for cell in cells]
    return pd.Series(column, dtype=object), multilabel


def _looked_up(
    rows: Sequence[str], values: Sequence[list[str]], name: str, where: str
) -> dict[str, list[str]]:
    """The labels of each key; refused if a key has different ones."""
    found: dict[str, list[str]] = {}
    for key, value in zip(rows, values, strict=True):
        if key and set(found.setdefault(key, value)) != set(value):
            raise TaskError(
                f"{where}: gives {key!r} more than one {name} ({some(found[key]) or 'none'}; "
                f"{some(value) or 'none'}); try one row for each"
            )
    return found


def _group(others: Sequence[Labeling], key: str) -> str | None:
    """What the new labels should not be confused with: they are the same wherever `key` is."""
    if key in {each.group for each in others}:
        return key
    if asked := [each for each in others if each.column == key]:
        return asked[0].group or (None if asked[0].multilabel else key)
    return others[0].group if others else None


def _split(labelled: pd.DataFrame, others: Sequence[Labeling], group: str | None) -> str | None:
    """The split of a labeling with the same groups, under which no group lies in two parts."""
    for column in (each.split for each in others if each.group == group and each.split):
        if group is None or labelled.groupby(group)[column].nunique().max() <= 1:
            return column
    return None


def _tell_stale(store: Store, layout: Layout, made: Sequence[Overlay]) -> None:
    """Warn of what was found out with labels that are now replaced by others."""
    earlier = {overlay.labeling.name: overlay for overlay in overlays(layout)}
    for overlay in made:
        name = overlay.labeling.name
        if name not in earlier or earlier[name].equals(overlay):
            continue
        stale = [
            path for path in sorted(store.results.rglob("*.json")) if name in _labels_of(read_json(path))
        ]
        if stale:
            found = some([path.relative_to(store.results) for path in stale], _NAMED)
            warn(
                f"{store.results}: {found} came from the earlier labels of {name!r}; run these commands again"
            )


def _labels_of(document: Any) -> list[str | None]:
    """The labelings that a result is about."""
    return [document.get("label"), *document.get("labels", ())] if isinstance(document, dict) else []
