"""A recording on disk, opened: labelled arrays, the clips' table, the labelings."""

import os
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
import zarr
from numpy.typing import NDArray

from otoscope.activations import lazy
from otoscope.activations.layout import Layout
from otoscope.activations.overlay import Overlay, overlays
from otoscope.activations.plan import Plan
from otoscope.activations.rows import table_of
from otoscope.activations.twins import Twin, found_beside, how_to_record
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import read_json, read_parquet
from otoscope.tasks.labeling import Labeling

if TYPE_CHECKING:
    from otoscope.models.base import Layer

__all__ = ["Store", "open_store"]

_PER_NEURON = ("fired", "mean", "peak", "peak_token", "fired_special", "fired_padding")


def open_store(path: str | os.PathLike[str]) -> "Store":
    """Open a complete recording.

    Raises:
        OtoscopeError: there is no store at `path`, or it is not complete; the message says what is missing.
    """
    layout = Layout(path)
    if not layout.plan.is_file():
        what = "is not a store of recorded activations" if layout.path.exists() else "does not exist"
        raise OtoscopeError(
            f"{layout.path} {what}; expected a folder with a plan.json, as `otoscope record` makes it"
        )
    plan = Plan.from_document(read_json(layout.plan))
    if missing := layout.missing(plan):
        raise OtoscopeError(
            f"{layout.path} is not complete: {len(missing)} of {len(plan.shards)} shards are missing; "
            "expected a finished recording; run the same record command again to finish it"
        )
    if not layout.complete(plan):
        raise OtoscopeError(
            f"{layout.path} is not complete: its shards are all there, its table of clips is not; "
            "expected a finished recording; run the same record command again to finish it"
        )
    return Store(layout, plan)


class Store:
    """A complete recording, read as it is looked at. Made by `record` and `open_store`.

    A neuron's place on the flat axis is the sum of the units of the layers below its own, plus its unit.

    Attributes:
        path: its folder.
    """

    def __init__(self, layout: Layout, plan: Plan) -> None:
        self.path: Path = layout.path
        self._layout = layout
        self._plan = plan
        self._group = layout.group("r")

    @cached_property
    def info(self) -> dict[str, Any]:
        """What it is a recording of: `model`, `task`, `settings` and `version`, each as the plan has it.

        Made once; not to be changed.
        """
        document = self._plan.document()
        document["task"]["labelings"] = [labeling.document() for labeling in self.labelings.values()]
        return {
            "model": document["model"],
            "task": document["task"],
            "settings": document["settings"],
            "version": document["versions"]["otoscope"],
            "versions": document["versions"],
        }

    @property
    def results(self) -> Path:
        """The folder of what was found out about it."""
        return self._layout.results

    @property
    def twins(self) -> tuple[Twin, ...]:
        """Recordings of its model untrained, or with its weights shuffled, on the same clips.

        They lie beside it, in the folder "NAME.twins", and `record_twins` makes them. One that cannot be
        compared with it, being of other clips or layers or not complete, says why as its `problem`.
        """
        return found_beside(self.path, self._plan)

    @property
    def twins_missing(self) -> str:
        """Where it has no twins, the sentence that says so, and the command that would; else ""."""
        return "" if self.twins else how_to_record(self.info, self.path)

    @property
    def layers(self) -> "tuple[Layer, ...]":
        """Names and units of the model's layers."""
        # Here and not above: it brings torch along, which looking into a store can do without.
        from otoscope.models.base import Layer

        described = zip(self._plan.model["layers"], self._plan.layer_grids, strict=True)
        return tuple(Layer(str(name), int(units), grid) for (name, units), grid in described)

    @cached_property
    def neurons(self) -> pd.DataFrame:
        """The address of each neuron, in flat order. Columns: layer, unit."""
        return pd.DataFrame(
            {name: np.asarray(self._group[name]).astype(np.int64) for name in ("layer", "unit")}
        )

    @cached_property
    def clips(self) -> pd.DataFrame:
        """The task's table, with `tokens`, `sha256` of the file, and `problem`, "" for a good clip.

        The labels that `relabel` has added are its last columns.

        Raises:
            OtoscopeError: labels were added that are not of these clips.
        """
        clips = read_parquet(self._layout.clips)
        for overlay in self._overlays:
            clips[overlay.labeling.column] = overlay.of(clips)
        return clips

    @property
    def labelings(self) -> dict[str, Labeling]:
        """The task's labelings by name, and then those that `relabel` has added."""
        added = {overlay.labeling.name: overlay.labeling for overlay in self._overlays}
        return self._plan.labelings | added

    def labeling(self, name: str) -> Labeling:
        """The labeling of this name.

        Raises:
            UsageError: there is none; the message lists those there are.
        """
        there = self.labelings
        if name not in there:
            raise UsageError(f"{self.path} has no labeling {name!r}; it has: {', '.join(there) or 'none'}")
        return there[name]

    @cached_property
    def tokens(self) -> NDArray[np.int64]:
        """Valid tokens of each clip, in the model's finest grid; 0 for a skipped one. Shape (clips,)."""
        return np.asarray(self._group["tokens"]).astype(np.int64)

    @cached_property
    def layer_tokens(self) -> NDArray[np.int64]:
        """Valid tokens of each clip as each layer has them. Shape (clips, layers)."""
        by_grid = self.tokens[:, None]
        if "grid_tokens" in self._group:
            by_grid = np.asarray(self._group["grid_tokens"]).astype(np.int64)
        return by_grid[:, self._plan.layer_grids]

    @property
    def embedding(self) -> NDArray[np.float32]:
        """The clips' embeddings; NaN for a clip that was skipped. Shape (clips, embedding_size)."""
        return np.asarray(self._group["embedding"])

    def counts(self, neurons: slice, clips: slice = slice(None)) -> NDArray[np.unsignedinteger[Any]]:
        """How often each clip fires the neurons of a stretch of the flat axis.

        Reads blocks of 256 neurons: slices along these cost least.

        Returns:
            Valid tokens with an activation above 0. uint16 or uint32, shape (clips, neurons of the slice).
        """
        return np.asarray(self._array("fired")[clips, neurons])

    def peaks(self, neurons: slice, clips: slice = slice(None)) -> NDArray[np.float32]:
        """The greatest activation of a stretch of the flat axis on each clip, as `counts` reads it.

        Returns:
            NaN for a clip that was skipped. Shape (clips, neurons of the slice).
        """
        return np.asarray(self._array("peak")[clips, neurons])

    @property
    def rows(self) -> pd.DataFrame:
        """The frequency rows that firing was counted in; none unless it was recorded with `rows`.

        Columns: grid (see `Layer.grid`), row (0 the lowest), and the band that its tokens cover, low_hz and
        high_hz; NaN where the model does not know it. Neighbouring bands overlap.
        """
        return table_of(self._plan.model.get("rows", []))

    def row_counts(self, neurons: slice) -> NDArray[np.unsignedinteger[Any]]:
        """As `counts`, by frequency row; their sum over rows is `counts`. Shape (clips, rows, neurons).

        Raises:
            OtoscopeError: it was recorded without `rows`.
        """
        if "fired_rows" not in self._group:
            raise OtoscopeError(
                f"{self.path} has no counts by frequency row; expected a recording made with rows=True; try "
                "otoscope record --rows, into another folder"
            )
        return np.asarray(self._array("fired_rows")[:, :, neurons])

    @cached_property
    def dataset(self) -> xr.Dataset:
        """All of it, labelled and lazy.

        `fired`, `mean`, `peak`, `peak_token` (and `fired_special`, `fired_padding` if recorded) have the
        dimensions clip, layer, unit; where layers differ in width clip, neuron, with layer and unit as the
        levels of an index. `tokens` has the dimension clip, `embedding` clip and feature.
        """
        units = self._plan.units
        alike = len(set(units)) == 1
        names = [name for name in _PER_NEURON if name in self._group]
        if alike:
            variables = {name: lazy.by_layer(self._array(name), len(units)) for name in names}
            coords: Any = {
                "layer": np.arange(len(units)),
                "unit": np.arange(units[0]),
                "layer_name": ("layer", [name for name, _ in self._plan.model["layers"]]),
            }
        else:
            variables = {name: lazy.flat(self._array(name)) for name in names}
            coords = xr.Coordinates.from_pandas_multiindex(pd.MultiIndex.from_frame(self.neurons), "neuron")
        variables["tokens"] = xr.Variable(("clip",), self.tokens)
        variables["embedding"] = lazy.flat(self._array("embedding"), columns="feature")
        about = {
            "model": self._plan.model["name"],
            "task": self._plan.task["name"],
            "otoscope": self._plan.versions["otoscope"],
        }
        dataset = xr.Dataset(variables, coords=coords, attrs=about)
        return dataset.assign_coords(clip=self.clips["clip"].to_numpy(dtype=object))

    @property
    def fired(self) -> xr.DataArray:
        """How many valid tokens have an activation above 0; lazy, dimensions clip, layer, unit."""
        return self.dataset["fired"]

    @property
    def mean(self) -> xr.DataArray:
        """Mean activation over the valid tokens, NaN for a skipped clip; lazy, as `fired`."""
        return self.dataset["mean"]

    @property
    def peak(self) -> xr.DataArray:
        """Greatest activation among the valid tokens, NaN for a skipped clip; lazy, as `fired`."""
        return self.dataset["peak"]

    @property
    def peak_token(self) -> xr.DataArray:
        """Number of the first token that reaches the peak, as in `token_grid`; lazy, as `fired`."""
        return self.dataset["peak_token"]

    def __repr__(self) -> str:
        plan = self._plan
        skipped = int((self.tokens == 0).sum())
        return (
            f"Store({str(self.path)!r}: {plan.model['name']} on {plan.task['name']}, {plan.clips} clips"
            f"{f' ({skipped} skipped)' if skipped else ''}, {len(plan.units)} layers, "
            f"{plan.neurons:,} neurons, labelings: {', '.join(self.labelings) or 'none'})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.dataset._repr_html_()}"

    @cached_property
    def _overlays(self) -> list[Overlay]:
        return list(overlays(self._layout))

    def _array(self, name: str) -> zarr.Array[Any]:
        array = self._group[name]
        assert isinstance(array, zarr.Array)
        return array
