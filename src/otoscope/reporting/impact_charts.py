"""The interactive charts of an ablation: class by class, and over a series of targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from otoscope.drawing import shown
from otoscope.reporting.charts import CHANGES, SERIES

__all__ = ["curves_chart", "matrix_chart"]

_DASHES = ("solid", "dash", "dashdot", "longdash")
_SERIES = {"gain": "gain on the neurons (0: off, 1: as they are)", "count": "neurons switched"}

_TOLD = ["controls_mean", "controls_low", "controls_high", "low", "high"]  # at each point, in this order

Drawn = tuple[list[dict[str, Any]], dict[str, Any]]
"""Traces and layout."""


def matrix_chart(changes: pd.DataFrame, label: str) -> Drawn:
    """Changes of classes (columns) under targets (rows) as a heat map; what a class does to itself is framed.

    Args:
        changes: rows and columns are classes.
        label: what changes, with its unit.
    """
    rows, columns = list(changes.index), list(changes.columns)
    values = changes.to_numpy(dtype=float)
    most = float(np.nanmax(np.abs(values), initial=0)) or 1.0
    named = [[[row, column] for column in columns] for row in rows]
    trace = {
        "type": "heatmap",
        "x": list(range(len(columns))),
        "y": list(range(len(rows))),
        "z": values,
        "customdata": named,
        "colorscale": CHANGES,
        "zmin": -most,
        "zmax": most,
        "zmid": 0,
        "xgap": 1,
        "ygap": 1,
        "colorbar": {"title": {"text": label, "side": "right"}, "thickness": 12},
        "hovertemplate": "%{customdata[0]} off, %{customdata[1]}: %{z:+.2f}<extra></extra>",
    }
    frames = [
        {
            "type": "rect",
            "x0": columns.index(name) - 0.46,
            "x1": columns.index(name) + 0.46,
            "y0": place - 0.46,
            "y1": place + 0.46,
            "line": {"color": "var(--ink)", "width": 2},
        }
        for place, name in enumerate(rows)
        if name in columns
    ]
    layout = {
        "xaxis": _classes(columns, "class measured") | {"side": "top"},
        "yaxis": _classes(rows, "class switched off") | {"autorange": "reversed"},
        "shapes": frames,
    }
    return [trace], layout


def curves_chart(curves: pd.DataFrame, series: str, label: str) -> Drawn:
    """Changes over a series of targets, a line a class, beside the mean of their control sets.

    Args:
        curves: as `plots.dose_response` takes them.
        series: what varies.
        label: what changes, with its unit.
    """
    traces: list[dict[str, Any]] = []
    for place, (name, rows) in enumerate(curves.groupby("panel", sort=False)):
        numeric = bool(rows["x"].notna().all())
        ordered = rows.sort_values("x") if numeric else rows
        x = ordered["x"] if numeric else ordered["at"]
        colour = SERIES[place % len(SERIES)]
        dash = _DASHES[place // len(SERIES) % len(_DASHES)]
        traces.append(
            {
                "x": x,
                "y": ordered["change"],
                "error_y": {
                    "type": "data",
                    "array": ordered["high"] - ordered["change"],
                    "arrayminus": ordered["change"] - ordered["low"],
                    "width": 3,
                },
                "customdata": ordered[_TOLD].to_numpy(),
                "name": shown([name])[0],
                "text": [str(name)] * len(ordered),
                "legendgroup": str(place),
                "mode": "lines+markers" if numeric else "markers",
                "line": {"color": colour, "dash": dash},
                "marker": {"size": 8},
                "hovertemplate": "%{text}: %{y:+.2f} (%{customdata[3]:+.2f} to %{customdata[4]:+.2f}); "
                "controls %{customdata[0]:+.2f} (%{customdata[1]:+.2f} to %{customdata[2]:+.2f})"
                "<extra></extra>",
            }
        )
        if ordered["controls_mean"].notna().any():
            traces.append(
                {
                    "x": x,
                    "y": ordered["controls_mean"],
                    "legendgroup": str(place),
                    "showlegend": False,
                    "mode": "lines" if numeric else "markers",
                    "line": {"color": colour, "dash": "dot", "width": 1.5},
                    "marker": {"symbol": "x-thin-open"},
                    "hoverinfo": "skip",
                }
            )
    layout = {
        "xaxis": {"title": {"text": _SERIES.get(series, series)}},
        "yaxis": {"title": {"text": label}, "zeroline": True},
    }
    return traces, layout


def _classes(names: list[Any], title: str) -> dict[str, Any]:
    """An axis of classes."""
    return {
        "title": {"text": title},
        "tickvals": list(range(len(names))),
        "ticktext": shown(names),
        "showgrid": False,
        "zeroline": False,
    }
