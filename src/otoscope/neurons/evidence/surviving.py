"""What survives which baseline: verdicts on the figures of one preset, and the same in words.

permuted labels   depth with p at most 0.05; `specific`, whose neurons have tests of their own: the number of
                  neurons, with p at most 0.05
twins             a higher AUROC on unseen clips: the whole interval of the difference to every twin is above
                  0; a twin that chooses none has an AUROC of 0.5. `specific`, which chooses as many as pass:
                  also more neurons than in any twin
unseen clips      the whole interval of the AUROC is above 0.5
other halves      the choices of two halves agree more than under any permutation of the labels

What cannot be judged does not survive: it is said to be open. Acoustics are told and not judged: a neuron
that follows the pitch may tell the class as well.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from otoscope.neurons.evidence.evidence_result import BEST
from otoscope.neurons.evidence.unseen import TRAINED
from otoscope.neurons.selecting import RECOMMENDED

__all__ = ["BASELINES", "sentences", "verdicts"]

BASELINES = ("permuted labels", "twins", "unseen clips", "other halves")
"""What a selection is held against."""

ALPHA = 0.05

_WORDS: Mapping[bool, Mapping[bool | None, str]] = {  # of one neuron, and of several
    True: {True: "survives", False: "does not survive", None: "is not tested against"},
    False: {True: "survive", False: "do not survive", None: "are not tested against"},
}

Row = Mapping[Any, Any]


def verdicts(row: Row) -> dict[str, bool | None]:
    """Whether a preset survives each baseline; None where that is open.

    Args:
        row: one of the table of `Evidence`.

    >>> row = {"preset": "aape", "refused": "", "neurons": 0, "twins_most": 3.0}
    >>> verdicts(row)["twins"], verdicts({**row, "twins_most": None})["twins"]
    (False, None)
    """
    if row["refused"]:
        return dict.fromkeys(BASELINES)
    if not row["neurons"]:  # nothing that could survive
        return dict.fromkeys(BASELINES, False) | ({} if _known(row["twins_most"]) else {"twins": None})
    judged = (_permuted(row), _twins(row), _above(row, "held_out_low", 0.5), _halves(row))
    return dict(zip(BASELINES, judged, strict=True))


def _permuted(row: Row) -> bool | None:
    p = row.get("neurons_p" if row["preset"] == RECOMMENDED else "depth_p")
    return bool(p <= ALPHA) if p is not None and _known(p) else None


def _twins(row: Row) -> bool | None:
    more = _above(row, "neurons", row["twins_most"])
    if more is False and row["preset"] != RECOMMENDED:
        more = True  # a fixed share is kept in a twin as well: only what the neurons tell can be more
    return _above(row, "beyond_twins_low", 0.0) if more else more


def _halves(row: Row) -> bool | None:
    return _above(row, "stability", row["stability_chance_most"])


def _above(row: Row, what: str, bound: float) -> bool | None:
    return bool(row[what] > bound) if _known(row[what]) and _known(bound) else None


def _known(value: Any) -> bool:
    return value is not None and value == value


def sentences(table: pd.DataFrame, effects: pd.DataFrame, best: Mapping[str, float]) -> tuple[str, ...]:
    """What survives which baseline, a few sentences a preset, and what the best neurons do.

    Args:
        table: the presets, as in `Evidence`.
        effects: the effects, as in `Evidence`.
        best: figures of the best neuron of each class.
    """
    said: list[str] = []
    for row in table.to_dict("records"):
        said += _of_preset(row)
    return (*said, *_of_best(effects, best))


def _of_preset(row: Row) -> list[str]:
    preset = row["preset"]
    if row["refused"]:
        return [f"{preset} is refused: {row['refused']}."]
    if not row["neurons"]:
        return [f"{preset} selects no neuron: there is nothing that could survive."]
    judged, count = verdicts(row), int(row["neurons"])
    parts = [
        f"{words} {_and([name for name in BASELINES if judged[name] is verdict])}"
        for verdict, words in _WORDS[count == 1].items()
        if verdict in judged.values()
    ]
    found = [f"{preset}: its {_neurons(count)} {'; '.join(parts)}."]
    found += [f"{preset}, {name}: {told}." for name, told in _figures(row).items()]
    return found


def _figures(row: Row) -> dict[str, str]:
    """The figures behind the verdicts, in words, by baseline."""
    count = int(row["neurons"])
    told = {}
    if _known(row["neurons_high"]):
        depth = f", depth p = {row['depth_p']:.3f}" if _known(row["depth_p"]) else ""
        depth += f", p = {row['neurons_p']:.3f}" if _known(row.get("neurons_p")) else ""
        told["permuted labels"] = (
            f"{_neurons(count)}, {row['neurons_low']:,.0f} to {row['neurons_high']:,.0f} in 95 % of the "
            f"permutations{depth}"
        )
    if _known(row["twins_most"]):
        told["twins"] = f"{_neurons(count)}, at most {row['twins_most']:,.0f} in a twin"
        if _known(row["held_out"]) and _known(row["held_out_twins_most"]):
            told["twins"] += (
                f"; AUROC on unseen clips {row['held_out']:.2f}, at most {row['held_out_twins_most']:.2f} "
                "in a twin"
            )
    if _known(row["held_out"]):
        told["unseen clips"] = f"AUROC {row['held_out']:.2f}{_band(row)}"
    if _known(row["stability"]):
        told["other halves"] = f"halves of the groups agree by {row['stability']:.2f} (Jaccard index)"
        if _known(row["stability_chance_most"]):
            told["other halves"] += f", under permuted labels by {row['stability_chance_most']:.2f} at most"
    if _known(row["follows"]):
        told["acoustics"] = (
            f"{int(row['follows']):,} of {_neurons(count)} flagged as following a descriptor within classes"
        )
    return told


def _of_best(effects: pd.DataFrame, best: Mapping[str, float]) -> list[str]:
    own = effects[(effects["preset"] == BEST) & (effects["model"] == TRAINED)]
    above = int((own["low"] > 0.5).sum())
    told = (
        f"The best neuron of each class: mean AUROC {best['held_out']:.2f} on unseen clips, and the 95 % "
        f"interval is above 0.5 in {above} of {len(own)} classes"
    )
    if _known(best["held_out_twins_most"]):
        told += f"; at most {best['held_out_twins_most']:.2f} in a twin"
    return [f"{told}."]


def _neurons(count: int) -> str:
    return f"{count:,} {'neuron' if count == 1 else 'neurons'}"


def _band(row: Row) -> str:
    if not _known(row["held_out_low"]):
        return ""
    return f" ({row['held_out_low']:.2f} to {row['held_out_high']:.2f})"


def _and(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]
