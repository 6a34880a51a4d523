"""The page "Calibration" and its figure, from the tables in docs/results/calibration/ and nothing else."""

from pathlib import Path

import pandas as pd
from scipy.stats import kstest, norm

from calibration import (
    CLASSES,
    LEVELS,
    PERMUTATIONS,
    PLANTED,
    WORLD_NEURONS,
    interval,
    most_within,
    predicted,
)  # fmt: skip
from calibration_impact import CONTROLS, TOGETHER, ratio_of

__all__ = ["clip_level", "curves", "impact_table", "level_table", "page", "sharing_table", "write_page"]

WANTED = 0.95
FIGURE = "power.png"
CURVES = {"nested": (10, 0.1), "crossed": (10, 0.1), "ungrouped": (1, 0.0)}  # clips of a group, group effect


def write_page(results: Path, path: Path) -> None:
    """Write the page, and its figure beside the tables."""
    tables = {each.stem: pd.read_csv(each) for each in sorted(results.glob("*.csv"))}
    draw(curves(tables["power"]), results / FIGURE)
    path.write_text(page(tables))


def page(tables: dict[str, pd.DataFrame]) -> str:
    """The page as Markdown."""
    parts = [
        INTRODUCTION,
        _levels(tables["level"]),
        _clips(tables["level"]),
        _nothing(tables["null"]),
        _found(tables["power"]),
        *([_split(tables["split"])] if "split" in tables else []),
        _curves(tables["power"]),
        _follows(tables["following"]),
    ]
    if "sharing" in tables:
        parts.append(_sharing(tables["sharing"]))
    if "impact_level" in tables:
        parts.append(_impact(tables["impact_level"], tables["impact_claims"]))
    return "\n\n".join([*parts, HOW]) + "\n"


INTRODUCTION = """# Calibration

What the tests claim, tried on *worlds*: recordings made by drawing, in which it is known which neurons are
specific, shared, acoustic or plain (`otoscope.world`). Every number on this page is from the tables in
`docs/results/calibration/`, of worlds with the seeds 0, 1, 2 and so on; how many there are is said in
each row.

Neurons are correlated (a share of 0.3 of their variance is common to them), their base rates are spread
as those of trained encoders, one in twenty never fires. *Shift* is how much more a planted neuron fires
for its class, in standard deviations of its firing share r = fired / tokens over the clips of one class.
*Group effect* is the share of the variance of a neuron's latent that lies between groups (speakers): 0.1
means that the means of groups differ by 0.32 standard deviations, 0.25 by 0.5, 0.5 by 0.71.

A rate of errors is *within its level* if it is at most the upper end of the 99 % binomial interval of
that level. Of a single row that is a coarse sieve: of 200 worlds, a test that errs in 7 % of cases at the
level 0.05 passes it nine times in ten."""

HOW = f"""## How to run it

```sh
python tools/docs_calibration.py --again    # everything anew, two processes
python tools/docs_calibration.py            # what is missing
python tools/docs_calibration.py --page     # this page only, from the tables
make test-all                               # the slow tests run the same experiments
```

The settings are in `tools/calibration.py`. Worlds of the first two sections have 3 classes and 80
neurons and are tested with {PERMUTATIONS} permutations; those of power have {CLASSES} classes and
{WORLD_NEURONS} neurons, of which {PLANTED} for each class is planted."""


def level_table(level: pd.DataFrame) -> pd.DataFrame:
    """For each setting and measure: worlds, rejections at each level, and the p of Kolmogorov and Smirnov."""
    rows = []
    for names, worlds in level.groupby(["permuted", "design", "sizes"], sort=False):
        for measure in ("depth", "excess"):
            counts = {str(each): int((worlds[measure] <= each + 1e-9).sum()) for each in LEVELS}
            even = float(kstest(worlds[f"{measure}_even"], "uniform").pvalue)
            settings = dict(zip(("permuted", "design", "sizes"), names, strict=True))
            rows.append({**settings, "measure": measure, "worlds": len(worlds), **counts, "ks": even})
    return pd.DataFrame(rows)


def _levels(level: pd.DataFrame) -> str:
    table = level_table(level).query("permuted == 'as designed'")
    by_measure = list(table.groupby("measure"))
    rows = [
        {
            "Design": row["design"],
            "Class sizes": row["sizes"],
            "Of": row["measure"],
            "Worlds": row["worlds"],
            **{f"p ≤ {each}": _against(row[str(each)], row["worlds"], each) for each in LEVELS},
            "KS": f"{row['ks']:.2f}" if row["ks"] >= 0.01 else f"{row['ks']:.4f}",
        }
        for row in table.to_dict("records")
    ]
    pooled = "; ".join(
        f"p ≤ {each} in "
        + " and ".join(f"{part[str(each)].sum() / part['worlds'].sum():.3f}" for _, part in by_measure)
        for each in LEVELS
    )
    good = sum("above" not in "".join(map(str, row.values())) for row in rows)
    return f"""## p of depth and excess holds its level

Worlds without any class effect, with a group effect of 0.3. How often p came out at or below a level,
with the upper end of its 99 % binomial interval in brackets. {good} of {len(rows)} rows are within all
three. All rows together, of depth and of excess: {pooled}.
*KS* is the p of the Kolmogorov-Smirnov test that p, randomised over its ties, is uniform. In the
multi-label worlds half of the clips bear two classes.

{_markdown(pd.DataFrame(rows))}"""


def _against(count: int, worlds: int, level: float) -> str:
    most = most_within(level, worlds)
    return f"{count / worlds:.3f} ({most / worlds:.3f})" + (" **above**" if count > most else "")


def sharing_table(sharing: pd.DataFrame) -> pd.DataFrame:
    """For each setting and test: worlds, and rejections at each level."""
    rows = []
    names = ["compared", "strength", "sizes", "correlation"]
    for values, worlds in sharing.groupby(names, sort=False):
        setting = dict(zip(names, values, strict=True))
        tests = ["labels", "margins", "both"]
        tests += ["names"] if setting["compared"] == "across" and not setting["strength"] else []
        for test in tests:
            counts = {str(each): int((worlds[test] <= each + 1e-9).sum()) for each in LEVELS}
            rows.append({**setting, "test": test, "worlds": len(worlds), **counts})
    return pd.DataFrame(rows)


def _sharing(sharing: pd.DataFrame) -> str:
    table = sharing_table(sharing)
    rows = [
        {
            "Classes": row["compared"],
            "Neurons of their own": "yes" if row["strength"] else "none",
            "Sizes": row["sizes"],
            "Correlation": row["correlation"],
            "Test": row["test"],
            "Worlds": row["worlds"],
            **{f"p ≤ {each}": _against(row[str(each)], row["worlds"], each) for each in LEVELS},
        }
        for row in table.to_dict("records")
    ]
    kept = [row for row in rows if row["Test"] in ("both", "names")]
    good = sum("above" not in "".join(map(str, row.values())) for row in kept)
    return f"""## Sharing holds its level

Five classes, equally large or of 96 to 12 clips, 400 neurons, nested groups. Classes share nothing but base
rates: either the labels say nothing, or every class has neurons of its own (a shift of 2). *Labels*: the
labels permuted and the neurons selected again; *margins*: tables of classes and neurons shuffled with both
margins fixed, the test that the paper's question suggests; *both*: the larger of the two, which is what
`otoscope share` reports; *names*: T, between two labelings of other clips. One pair of each world, drawn at
random. {good} of {len(kept)} rows of *both* and *names* are within all three levels.

{_markdown(pd.DataFrame(rows))}"""


def impact_table(level: pd.DataFrame) -> pd.DataFrame:
    """For each way of matching and measure: experiments, rejections at 0.05 of one class and of any, and the
    p of Kolmogorov and Smirnov; beside them the level of one class by theory.
    """
    rows = []
    for (match, of, neurons), runs in level.groupby(["match", "from", "neurons"], sort=False):
        shared = runs["shared"].mean()
        for measure in ("accuracy", "margin"):
            rows.append(
                {
                    "match": match,
                    "from": of,
                    "neurons": neurons,
                    "shared": shared,
                    "measure": measure,
                    "experiments": len(runs),
                    **{
                        name: int((runs[f"{measure}_{name}"] <= 0.05 + 1e-9).sum()) for name in ("one", "any")
                    },
                    "ks": float(kstest(runs[f"{measure}_even"], "uniform").pvalue),
                    "predicted": float(2 * norm.sf(norm.isf(0.025) / ratio_of(shared))),
                }
            )
    return pd.DataFrame(rows)


def _impact(level: pd.DataFrame, claims: pd.DataFrame) -> str:
    table = impact_table(level)
    drawn = {"all": "all", "loud": "loud ones"}
    rows = [
        {
            "Matched by": row["match"],
            "Neurons": f"{row['neurons']} of {drawn[row['from']]}",
            "In common": f"{row['shared']:.0%}",
            "Of": row["measure"],
            "Experiments": row["experiments"],
            "One class": _against(row["one"], row["experiments"], 0.05),
            "Any class": _against(row["any"], row["experiments"], 0.05),
            "95 % interval": "{:.3f} to {:.3f}".format(*interval(row["any"], row["experiments"])),
            "Predicted": f"{row['predicted']:.3f}",
            "KS": f"{row['ks']:.2f}" if row["ks"] >= 0.01 else f"{row['ks']:.4f}",
        }
        for row in table.to_dict("records")
    ]
    told = [
        {
            "Switched": switched,
            "Gain": gain,
            "Margin of its classes": f"{toys['own'].mean():+.2f}",
            "Accuracy": f"{100 * toys['accuracy'].mean():+.1f} points",
            "Margin of others": "" if switched == "loud" else f"{toys['cross'].max():.2f} at most",
            "Called, beside layer": f"{toys['layer'].sum()} of {toys['tests'].sum()}",
            "Toys with a call": f"{(toys['layer'] > 0).sum()} of {len(toys)}",
            "Called, beside displacement": f"{toys['displacement'].sum()} of {toys['tests'].sum()}",
        }
        for (switched, gain), toys in claims.groupby(["switched", "gain"], sort=False)
    ]
    return f"""## Switching neurons off

The p of `otoscope ablate`, on a toy model with a readout (`otoscope.neurons.planted`): 3 layers of 300
units, 3 classes with 8 test clips each, {CONTROLS} control sets of each target. In every experiment the
target is *one more control set*: random neurons are drawn, control sets for these are drawn, one of those is
the target, and control sets for it are drawn. Nothing is special about it, and p should be at most 0.05 in
one experiment of twenty. *Loud* neurons, 60 in this toy, push the embedding thirty times as hard as others.
*In common*: the share of its neurons that a control set has in common with another one, on average. *One
class*: p of the first class; *any class*: the smallest p adjusted for all classes. In brackets the upper end
of the 99 % binomial interval of 0.05; the 95 % interval is of *any class*. *KS*: Kolmogorov and Smirnov's
p that p of one class, randomised over its ties, is uniform.

{_markdown(pd.DataFrame(rows))}

p asks whether the target is one more draw. Control sets never hold a neuron of the target: where the target
is a large part of all neurons like it, they are drawn from what is left, have much in common, and differ
from each other less than from the target. By sampling without replacement their standard deviation is
too small by the factor sqrt((1 + s) / (1 - s)), s being the share in common; *predicted* is the level that
a normal test of one class has then. It is what layer-matched sets come to. Displacement-matched sets of
loud neurons err more often still: they are drawn by their push, so that of the neurons that are left the
strongest are in twice as many sets as the weakest. With a few percent in common p can be taken as it is.
Where more than a tenth is in common, `ablate` takes no p of at most 0.05 for an effect, and says so; the
column `shared` of its results has the share.

### What is said of neurons that are known

Ten toys, of the seeds 0 to 9. *Detectors* fire for a class and are used, *decoys* fire like them and have no
part in the embedding, *loud* neurons listen to sounds of no class and push the embedding hard: 9 of 90 such
neurons among 3,000, with {TOGETHER} control sets of each kind. *Called*: pairs of a target and a class of
its own with p of the margin, adjusted for all classes, at most 0.05, beside layer- and displacement-matched
control sets; *toys with a call*: those in which any is called beside layer-matched ones.

{_markdown(pd.DataFrame(told))}

Decoys are selected with the detectors (tests/interventions/test_claims.py): that a neuron fires for a class
does not show that the class needs it. Neurons that only push hard look specific beside random neurons of
their layers, and seldom beside neurons that push as hard. And among random neurons of the layers there may be
one that matters, a detector or a loud one, beside which a target does not stand out: not all detectors are
called beside layer-matched sets."""


def clip_level(level: pd.DataFrame) -> pd.DataFrame:
    """Rejections in nested worlds, permuted as designed and clip by clip."""
    table = level_table(level)
    return table[(table["design"] == "nested") & (table["sizes"] == "equal")]


def _clips(level: pd.DataFrame) -> str:
    rows = [
        {
            "Permuted": "groups, as designed" if row["permuted"] == "as designed" else "clips",
            "Of": row["measure"],
            "Worlds": row["worlds"],
            **{f"p ≤ {each}": f"{row[str(each)] / row['worlds']:.3f}" for each in LEVELS},
        }
        for row in clip_level(level).to_dict("records")
    ]
    return f"""## Permuting clips fails where clips come in groups

The same nested worlds without a class effect, once with labels permuted between groups and once
between clips (`design="ungrouped"`): the second calls nothing something. The tool warns when it is asked
for, and the result keeps the warning.

{_markdown(pd.DataFrame(rows))}"""


def _nothing(null: pd.DataFrame) -> str:
    rows = []
    for row in null.to_dict("records"):
        low, high = interval(int(row["worlds"]), int(row["seeds"]))
        rows.append(
            {
                "Design": row["design"],
                "Classes": row["classes"],
                "Group effect": row["group_effect"],
                "Worlds": row["seeds"],
                "Wrong in": _against(int(row["worlds"]), int(row["seeds"]), 0.05),
                "95 % interval": f"{low:.3f} to {high:.3f}",
                "Wrong neurons": row["neurons"],
                "Selected": row["selected"],
            }
        )
    total, wrong = null["seeds"].sum(), null["worlds"].sum()
    return f"""## `specific` hardly selects from nothing

How many worlds `specific` selects any neuron in where there is nothing to select, with the upper end of
the 99 % binomial interval of 0.05 in brackets. Over all rows: {wrong} of {total:,} worlds. Equal classes
have 240 clips each, unequal ones 600, 240, 120 and three times 80. *Twins* are one class split at random
in two; alone, or among 6 classes with a planted neuron each at a shift of 1, where an error is a neuron
whose class set holds one twin and not the other.

{_markdown(pd.DataFrame(rows))}"""


def _recall(power: pd.DataFrame) -> pd.DataFrame:
    """The table with recall, the ends of its interval, precision, and the recall predicted."""
    table = power.copy()
    table["recall"] = table["found"] / table["planted"]
    ends = [interval(*each) for each in zip(table["found"], table["planted"], strict=True)]
    table["low"], table["high"] = zip(*ends, strict=True)
    table["precision"] = table["found"] / (table["found"] + table["wrong"]).clip(lower=1)
    table["predicted"] = [predicted(row) for row in table.to_dict("records")]
    return table


def curves(power: pd.DataFrame) -> pd.DataFrame:
    """The rows of the power curves."""
    table = _recall(power)
    kept = [
        table[(table["design"] == d) & (table["clips"] == clips) & (table["group_effect"] == effect)]
        for d, (clips, effect) in CURVES.items()
    ]
    return pd.concat(kept)


def _found(power: pd.DataFrame) -> str:
    table = _recall(power)
    one = table[(table["strength"] == 1.0) & (table["design"] != "ungrouped")]
    twelve = one[one["groups"] == 12]
    more = one[(one["design"] == "nested") & (one["clips"] == 10)]
    return f"""## What `specific` finds at a shift of 1 standard deviation

Recall and precision, each over all planted neurons of all worlds, with 12 groups of each class (crossed: 12
groups with every class). {_claim(twelve)}

Half of the groups choose and the other half test, so 12 groups leave 6 of each class to test on. What
counts is the spread of the means of groups: (group effect) + (1 - group effect) / clips of a group in a
nested design, of which the first part does not shrink with more clips; in a crossed design the groups'
own differences cancel. So with a group effect a nested labeling needs more groups, not more clips.

{_grid(twelve, ["design", "clips"], ["Design", "Clips of a group and class"])}

Nested, with 10 clips of each group:

{_grid(more, ["groups"], ["Groups of each class"])}

No class can have more neurons than its quota of candidates, 2 % of all neurons over the number of
classes."""


def _split(split: pd.DataFrame) -> str:
    table = split.assign(
        Neurons=2 * split["units"],
        text=[
            f"{found / planted:.2f} / {found / max(found + wrong, 1):.2f}"
            for found, planted, wrong in zip(split["found"], split["planted"], split["wrong"], strict=True)
        ],
    )
    names = {"design": "Design", "specific": "Planted for each class"}
    order = list(dict.fromkeys(split["groups"]))
    shown = (
        table.rename(columns=names)
        .pivot(index=["Design", "Neurons", "Planted for each class"], columns="groups", values="text")[order]
        .reset_index()
    )
    seeds = split["seeds"]
    return f"""## Other ways of using the groups

Recall and precision at a shift of 1 with 12 groups, 10 clips of each and a group effect of 0.1, if half
of the groups choose and half test (as `specific` does), if a third chooses and two thirds test, and if
both halves take both roles at half the level each. {seeds.min()} worlds of each cell.

{_markdown(shown)}"""


def _claim(twelve: pd.DataFrame) -> str:
    both = twelve[["recall", "precision"]].min(axis=1) >= WANTED
    said = []
    for design, rows in twelve[both].groupby("design"):
        by_clips = rows.groupby("clips")["group_effect"].apply(lambda each: ", ".join(f"{e:g}" for e in each))
        listed = "; ".join(f"{clips} clips and {effects}" for clips, effects in by_clips.items())
        said.append(f"{design}: {listed}")
    lacking = "; ".join(sorted(set(twelve["design"]) - set(twelve.loc[both, "design"])))
    text = f"Both are {WANTED} or more in {both.sum()} of {len(twelve)} settings (in bold)"
    text += (
        ", by clips of a group and group effects.\n\n" + "\n".join(f"- {each}" for each in said)
        if said
        else "."
    )
    return text + (f"\n- {lacking}: none" if lacking else "")


def _grid(rows: pd.DataFrame, index: list[str], names: list[str]) -> str:
    cells = rows.assign(
        text=[
            f"{'**' * (min(r, p) >= WANTED)}{r:.2f} / {p:.2f}{'**' * (min(r, p) >= WANTED)}"
            for r, p in zip(rows["recall"], rows["precision"], strict=True)
        ]
    )
    table = cells.pivot(index=index, columns="group_effect", values="text").fillna("")
    table.columns = [f"Group effect {effect:g}" for effect in table.columns]
    table = table.reset_index()
    table.columns = [*names, *table.columns[len(names) :]]
    seeds = rows["seeds"]
    return f"{_markdown(table)}\n\nWorlds of each cell: {seeds.min()}" + (
        f" to {seeds.max()}." if seeds.min() < seeds.max() else "."
    )


def _curves(power: pd.DataFrame) -> str:
    drawn = curves(power)
    rows = [
        {
            "Design": row["design"],
            "Groups": row["groups"],
            "Shift": row["strength"],
            "Worlds": row["seeds"],
            "Recall": f"{row['recall']:.3f}",
            "95 % interval": f"{row['low']:.3f} to {row['high']:.3f}",
            "Predicted": f"{row['predicted']:.3f}",
            "Precision": f"{row['precision']:.3f}" if row["found"] + row["wrong"] else "none found",
        }
        for row in drawn.to_dict("records")
    ]
    return f"""## Power over groups and shifts

![Recall over numbers of groups, by design and shift](results/calibration/{FIGURE})

Nested and crossed: 10 clips of each group and class, group effect 0.1. Ungrouped: clips in place of
groups. Dashed: what `otoscope power` works from, the power of t tests on half of the groups at the level
that the correction gives if all planted neurons stand. It leaves out step 8, that the smallest
pairwise AUROC be 0.65: {_aurocs(drawn)}. Where that is below, most neurons fall short of it, however
many groups there are. It also leaves out that the other half may miss a neuron and takes the tests of one
neuron as independent. Intervals take neurons as independent (Clopper and Pearson).

{_markdown(pd.DataFrame(rows))}"""


def _aurocs(drawn: pd.DataFrame) -> str:
    """What a normal shift of each size has as its area under the ROC curve."""
    shifts = sorted(drawn["strength"].unique())
    return ", ".join(f"a shift of {shift:g} has {norm.cdf(shift / 2**0.5):.2f}" for shift in shifts)


def _follows(table: pd.DataFrame) -> str:
    rows = [
        {
            "Design": row["design"],
            "Worlds": row["seeds"],
            "Acoustic, right descriptor": f"{row['acoustic_flagged'] / row['acoustic']:.4f}",
            "Acoustic, wrong one": f"{row['acoustic_mistaken'] / row['acoustic']:.4f}",
            "Class-driven": f"{row['class_driven_flagged'] / row['class_driven']:.4f}",
            "Plain": f"{row['plain_flagged'] / row['plain']:.5f}",
            "Worlds with a wrong flag": _against(int(row["worlds_wrong"]), int(row["seeds"]), 0.05),
        }
        for row in table.to_dict("records")
    ]
    return f"""## "Follows X" flags acoustic neurons, not class-driven ones

The share of neurons of each kind that is flagged, in worlds with 24 groups, 10 clips of each, 3 neurons
specific for each of 4 classes (shift 1), and 12 that follow loudness or brightness; brightness is
correlated with the class.

{_markdown(pd.DataFrame(rows))}"""


def draw(table: pd.DataFrame, path: Path) -> None:
    """The power curves, a panel for each design."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from otoscope.plots.power import power_curves

    figure, axes = plt.subplots(1, len(CURVES), figsize=(12, 4), layout="constrained", sharey=True)
    for ax, (design, rows) in zip(axes, table.groupby("design", sort=False), strict=True):
        label = "clips" if design == "ungrouped" else "groups"
        power_curves(rows, ax, label=f"{design}: {label} of each class", legend=ax is axes[0])
        ax.set_ylabel("recall" if ax is axes[0] else "")
    figure.savefig(path, dpi=110, facecolor="white", metadata={"Software": None})
    plt.close(figure)


def _markdown(table: pd.DataFrame) -> str:
    lines = [table.columns, ["---"] * table.shape[1], *table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
