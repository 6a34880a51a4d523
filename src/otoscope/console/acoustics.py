"""What is printed of neurons that follow the sound."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.console.printing import MANY, Lines, count, counts_line, figure, point, table_of

if TYPE_CHECKING:
    from otoscope.neurons.meaning.account import Acoustics
    from otoscope.neurons.meaning.mrqap import MatrixRegression

_ROWS = 30  # neurons told of one by one
_Q = 0.05  # false discovery rate over the chosen neurons


def acoustics_lines(found: "Acoustics") -> Lines:
    """What of the neurons of a labeling follows from the sound."""
    chosen = found.neurons
    how = "given" if found.chosen_by == "given" else f"by {found.chosen_by}"
    yield f"{found.label}: {count(len(chosen), 'neuron')} {how}, beside {len(found.descriptors)} descriptors"
    if found.follows is not None:
        yield from _all_neurons(found)
    followed = chosen[chosen["follows"] != ""]
    shown = chosen if found.chosen_by == "given" else followed
    if len(shown):
        yield _neuron_table(shown[:_ROWS])
    if len(shown) > _ROWS:
        yield f"... and {len(shown) - _ROWS} more; --json and neurons.csv have them all"
    yield from _selectivity(chosen)
    if found.sharing is not None:
        yield from _sharing_lines(found.sharing)
    yield from map(point, found.notes)


def _all_neurons(found: "Acoustics") -> Lines:
    assert found.follows is not None
    total, followed = found.follows.following, int((found.neurons["follows"] != "").sum())
    yield (
        f"follow a descriptor within classes: {followed} of these, "
        f"{total.sum():,} of all {len(found.follows.table):,} neurons"
    )
    if found.twins is not None and len(found.twins):
        yield from counts_line("the same in twins", dict(found.twins[["twin", "following"]].to_numpy()))
    if len(total):
        yield from counts_line("most followed", {str(k): int(v) for k, v in total.head(MANY).items()})


def _neuron_table(neurons: pd.DataFrame) -> Any:
    from otoscope.neurons.addresses import format_address
    from otoscope.neurons.meaning.rows import band_words

    rows = "low_hz" in neurons
    columns = ("neuron", "class", "follows", "rho", "before", "after", "q")
    table = table_of(*columns, *(["listens to"] if rows else []))
    for row in neurons.to_dict("records"):
        cells = [format_address(row["layer"], row["unit"]), row["category"] or "-", row["follows"] or "-"]
        cells += [figure(row["rho"], "{:+.2f}"), *(figure(row[key], "{:.2f}") for key in ("before", "after"))]
        cells.append(figure(row["after_q"], "{:.3f}"))
        table.add_row(*cells, *([band_words(row["low_hz"], row["high_hz"]) or "-"] if rows else []))
    return table


def _selectivity(neurons: pd.DataFrame) -> Lines:
    told = neurons.dropna(subset=["before", "after"])
    if not len(told):
        return
    before, after = told["before"].mean(), told["after"].mean()
    kept = int((told["after_q"] <= _Q).sum())
    yield (
        f"selectivity (eta squared, mean): {before:.3f} before the descriptors are regressed out (chance "
        f"{told['before_chance'].mean():.3f}), {after:.3f} after (chance {told['after_chance'].mean():.3f}); "
        f"{kept} of {len(told)} keep more than chance (q <= {_Q})"
    )


def _sharing_lines(sharing: "MatrixRegression") -> Lines:
    yield (
        f"which of {len(sharing.classes)} classes share neurons (Jaccard index by aape), by matrix "
        f"regression: R2 {sharing.r2:.2f}"
    )
    table = table_of("distance", "beta", "p")
    for row in sharing.table.itertuples():
        table.add_row(str(row.predictor), f"{row.beta:+.2f}", f"{row.p:.3f}")
    yield table
    yield "beta below 0: classes farther apart share fewer neurons"
