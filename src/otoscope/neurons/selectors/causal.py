"""Causal specificity of selectors: does switching off a class's neurons change this class, more than others?

An ablation whose targets are the neurons that several selectors rank highest for each class, as many of each,
says which selector finds neurons that their class runs through.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.files import path_of, read_json, read_parquet

__all__ = ["CAUSAL", "causal_note", "saved_specificity", "specificity_of"]

CAUSAL = ["selector", "neurons", "classes", "self", "cross", "specificity", "controls", "p"]
"""Columns of `specificity_of`."""

_SAME = 1e-9  # differences of the same two means may differ in the last bits


def specificity_of(
    aimed: Mapping[str, tuple[str, str, int]], table: pd.DataFrame, probe: str, match: str
) -> pd.DataFrame:
    """How much more the neurons that selectors choose for a class move its margin than the others'.

    Selectors are compared on the classes that all of them have a target for.

    Args:
        aimed: by the name of each target: the selector, the class and the number of neurons.
        table: of an ablation, with the columns `target`, `condition`, `match`, `draw`, `probe`, `category`
            and `margin`.
        probe: the probe that counts.
        match: the control sets that count; "" for none.

    Returns:
        One row per selector: `selector`, `neurons` (of each class), `classes` (how many), changes of the
        margin in logits as means over these classes: `self` (of the class whose neurons are off) and `cross`
        (of all others), `specificity` (self less cross; below 0 where the class loses more than the others),
        `controls` (the same, mean over the draws of control sets) and `p` (share of draws, the selector's own
        set among them, that lie at least as far from the mean of all; NaN without random control sets).
    """
    by_selector: dict[str, dict[str, str]] = {}
    for target, (selector, category, _) in aimed.items():
        by_selector.setdefault(selector, {})[category] = target
    common = set.intersection(*(set(own) for own in by_selector.values())) if by_selector else set()
    counted = table[(table["probe"] == probe) & table["match"].isin(["", match])]
    rows = []
    for selector, own in by_selector.items():
        parts = [_own_and_others(counted, own[name], name) for name in own if name in common]
        if not parts:
            continue
        means = pd.concat(parts).groupby("draw").mean().loc[_in_all(parts)]
        apart = means["self"] - means["cross"]
        rows.append(
            {
                "selector": selector,
                "neurons": aimed[next(iter(own.values()))][2],
                "classes": len(parts),
                **means.loc[0, ["self", "cross"]].to_dict(),
                "specificity": float(apart[0]),
                "controls": float(apart.drop(0).mean()) if len(apart) > 1 else np.nan,
                "p": _rank_p(apart.to_numpy()) if match != "neighbour" else np.nan,
            }
        )
    return pd.DataFrame(rows, columns=CAUSAL)


def saved_specificity(store: Any, label: str) -> pd.DataFrame:
    """What the saved ablations of a labeling say.

    Columns `ablation` (its folder), and those of `specificity_of`. No rows where none switched off what
    selectors choose.
    """
    results = getattr(store, "results", None)
    found = [pd.DataFrame(columns=["ablation", *CAUSAL])]
    for path in sorted(path_of(results).glob("ablate-*/ablation.json")) if results else ():
        document = read_json(path)
        aimed = {
            each["target"]: (each["at"], each["categories"][0], each["neurons"])
            for each in document["results"]
            if each.get("series") == "selector" and each["categories"] and document["label"] == label
        }
        if aimed:
            table = read_parquet(path.parent / "table.parquet")
            rows = specificity_of(aimed, table, table["probe"].iloc[0], document["primary"])
            found.append(rows.assign(ablation=path.parent.name))
    return pd.concat(found[1:] or found, ignore_index=True)[["ablation", *CAUSAL]]


def causal_note(found: pd.DataFrame) -> list[str]:
    """A sentence for each ablation."""
    return [
        f"causal specificity ({ablation}: neurons off for each class {rows['neurons'].iloc[0]}, "
        f"classes {rows['classes'].iloc[0]}; change of the class's margin less that of the others, in "
        "logits): " + ", ".join(map(_words, rows.to_dict("records")))
        for ablation, rows in found.groupby("ablation", sort=False)
    ]


def _words(row: Mapping[Any, Any]) -> str:
    beside = f" (control sets {row['controls']:+.2f}, p {row['p']:.3f})" if np.isfinite(row["p"]) else ""
    return f"{row['selector']} {row['specificity']:+.2f}{beside}"


def _own_and_others(table: pd.DataFrame, target: str, category: str) -> pd.DataFrame:
    """Changes of the class, and mean changes of the others, with the target off (draw 0) and control sets."""
    means = table[table["target"] == target].groupby(["condition", "draw", "category"])["margin"].mean()
    wide = means.unstack("category")
    changes = (wide - wide.loc["baseline", 0]).drop("baseline").droplevel("condition")
    return pd.DataFrame({"self": changes[category], "cross": changes.drop(columns=category).mean(axis=1)})


def _in_all(parts: list[pd.DataFrame]) -> list[int]:
    """The draws that every class has."""
    return sorted(set.intersection(*(set(part.index) for part in parts)))


def _rank_p(values: NDArray[np.float64]) -> float:
    """Share of values as far from the mean of all as the first; NaN if there is but one."""
    apart = np.abs(values - values.mean())
    return float((apart >= apart[0] - _SAME).mean()) if len(values) > 1 else float("nan")
