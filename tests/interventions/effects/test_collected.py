"""The whole result: every frame on paper or against a second computation, and what is written and read."""

import numpy as np
import pandas as pd
import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import to_json
from otoscope.interventions.effects import Ablation, check_tested, collect
from otoscope.interventions.effects.ranks import adjusted_p, rank_p
from otoscope.interventions.effects.result import FRAMES
from otoscope.interventions.targets import Target


@pytest.fixture(scope="module")
def ablation(random_experiment):
    heard = random_experiment(effect=-1.0, sets=20, probes=("logistic", "logistic", "evar"))
    return collect(heard, {"seed": 3, "gain": 0.0, "notes": ["said before"]}, {"otoscope": "1"})


def changes_by_loops(ablation, target, category, measure, match, probe="logistic"):
    """The target's change and its control sets' ones, from the table."""
    rows = ablation.table.query("target == @target and category == @category and probe == @probe")
    before = rows.loc[rows["condition"] == "baseline", measure].mean()
    after = rows.loc[rows["condition"] == "target", measure].mean()
    controls = [part[measure].mean() - before for _, part in rows[rows["match"] == match].groupby("draw")]
    return after - before, np.array(controls)


def test_two_clips_on_paper(experiment):
    before, after = [[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]
    heard = experiment([0, 1], [before, after], [("off", "target", 0)], categories={"off": ["class 0"]})
    ablation = collect(heard, {}, {})
    rows = ablation.effects.set_index(["category", "measure"])
    assert rows.loc[("class 0", "margin"), ["clips", "baseline", "ablated", "change"]].tolist() == [
        1,
        2,
        1,
        -1,
    ]
    assert rows.loc[("class 1", "margin"), "change"] == 0
    assert rows[["low", "high", "seed_sd"]].isna().all().all()  # one clip, one seed
    assert ablation.sets[["neurons", "displacement", "relative"]].to_numpy().tolist() == [[2, 0.5, 1.0]]
    assert ablation.primary == ""
    assert ablation.against.empty
    assert np.isnan(ablation.any_class_p("off", "margin"))


def test_effects_are_those_of_the_table(ablation):
    for row in ablation.effects.to_dict("records"):
        change, _ = changes_by_loops(
            ablation, row["target"], row["category"], row["measure"], "layer", row["probe"]
        )
        assert row["change"] == pytest.approx(change)
        assert row["change"] == pytest.approx(row["ablated"] - row["baseline"])
        assert row["low"] <= row["change"] <= row["high"]
        assert np.isnan(row["seed_sd"]) == (row["probe"] == "evar")
    shares = ablation.effects.query("measure == 'accuracy'")
    assert (shares["baseline"] + shares["low"] >= -1e-12).all()
    assert (shares["baseline"] + shares["high"] <= 1 + 1e-12).all()


def test_the_spread_over_seeds_is_that_of_changes(ablation):
    rows = ablation.table.query(
        "target == 'class 1' and category == 'class 1' and probe == 'logistic' and condition != 'control'"
    )
    wide = rows.pivot(index="seed", columns="condition", values="margin")
    found = ablation.effects.query(
        "target == 'class 1' and category == 'class 1' and probe == 'logistic' and measure == 'margin'"
    )
    assert found["seed_sd"].item() == pytest.approx((wide["target"] - wide["baseline"]).std())


@pytest.mark.parametrize("match", ["layer", "displacement"])
@pytest.mark.parametrize("measure", ["accuracy", "margin"])
def test_against_controls_is_what_the_table_says(ablation, measure, match):
    names = ["class 0", "class 1", "class 2"]
    found = [changes_by_loops(ablation, "class 1", name, measure, match) for name in names]
    change, controls = np.array([one for one, _ in found]), np.stack([each for _, each in found], axis=1)
    rows = ablation.against.query(
        "target == 'class 1' and probe == 'logistic' and measure == @measure and match == @match"
    )
    assert rows["controls"].tolist() == [20] * 3
    np.testing.assert_allclose(rows["mean"], controls.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(rows["excess"], change - controls.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(rows["low"], np.quantile(controls, 0.025, axis=0), atol=1e-12)
    np.testing.assert_allclose(rows["p"], rank_p(change, controls))
    least = np.full(3, 1 / 8) if measure == "accuracy" else None
    np.testing.assert_allclose(rows["p_adjusted"], adjusted_p(change, controls, least))
    assert (rows["excess_low"] <= rows["excess"]).all()


def test_displacement_decides_then_rate_then_layer(random_experiment):
    order = ["neighbour", "directions", "layer", "rate", "displacement"]
    for count, primary in enumerate(["neighbour", "neighbour", "layer", "rate", "displacement"], start=1):
        assert collect(random_experiment(matches=order[:count], sets=2), {}, {}).primary == primary


def test_the_neighbour_control_is_not_ranked(random_experiment):
    ablation = collect(random_experiment(matches=("neighbour", "layer"), sets=3), {}, {})
    rows = ablation.against.set_index("match")
    assert rows.loc["neighbour", ["p", "p_adjusted", "t", "t_p"]].isna().all().all()
    assert (rows.loc["neighbour", "controls"] == 1).all()
    assert rows.loc["layer", "p"].notna().all()


def test_one_control_set_and_none(random_experiment):
    one = collect(random_experiment(sets=1), {}, {})
    assert (one.against["p"] == 1).all()
    assert one.against["t"].isna().all()
    none = collect(random_experiment(matches=()), {}, {})
    assert none.against.empty
    assert none.summary["margin_controls_mean"].isna().all()
    assert none.plot().get_xlabel() == "change in accuracy (percentage points)"
    assert none.document()["results"][0]["by_category"]["class 0"]["margin"]["by_match"] == {}


def test_the_summary_is_of_the_probe_that_counts_and_of_the_strictest_controls(ablation):
    summary = ablation.summary
    assert len(summary) == 9
    row = summary.query("target == 'class 1' and category == 'class 2'").iloc[0]
    change, controls = changes_by_loops(ablation, "class 1", "class 2", "margin", "displacement")
    assert row["margin_change"] == pytest.approx(change)
    assert row["margin_controls_mean"] == pytest.approx(row["margin_baseline"] + controls.mean())
    own = ablation.against.query("target == 'class 1' and match == 'displacement' and measure == 'margin'")
    assert ablation.any_class_p("class 1", "margin") == own.query("probe == 'logistic'")["p_adjusted"].min()


def test_the_document_has_its_words(ablation):
    document = ablation.document()
    assert set(document) >= {
        "label", "classes", "gain", "results", "provenance", "by_probe", "diagonal", "sentences", "notes"
    }  # fmt: skip
    assert document["notes"] == ["said before"]
    result = document["results"][1]
    assert set(result) >= {
        "target", "categories", "neurons", "by_layer", "addresses", "by_category", "any_class_p"
    }  # fmt: skip
    figures = result["by_category"]["class 1"]
    assert figures["clips"] == 8
    for measure in ablation.measures:
        assert set(figures[measure]) >= {
            "baseline", "ablated", "change", "interval", "controls", "p", "p_adjusted", "by_match"
        }  # fmt: skip
        assert set(figures[measure]["controls"]) == {"mean", "low", "high"}
        assert set(figures[measure]["by_match"]) == {"layer", "displacement"}
    assert set(figures["accuracy"]) >= {"right", "lost", "gained", "mcnemar_p"}
    assert set(document["by_probe"]) == {"evar"}
    assert set(document["by_probe"]["evar"]["class 1"]["class 1"]) == set(figures)
    assert "NaN" not in to_json(document)


@pytest.mark.parametrize(
    "settings",
    [
        {"probes": ("logistic", "logistic", "evar"), "sets": 3},
        {"matches": ()},
        {"multilabel": True, "sets": 2},
        {"series": {"class 1": ("gain", "some", "0.5")}},
    ],
)
def test_saved_and_loaded_it_is_the_same(random_experiment, tmp_path, settings):
    ablation = collect(random_experiment(**settings), {"seed": 1, "matched": ["layer"]}, {"otoscope": "1"})
    ablation.save(tmp_path / "x")
    loaded = Ablation.load(tmp_path / "x")
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(loaded, name), getattr(ablation, name))
    for name in ("label", "classes", "multilabel", "targets", "settings", "provenance", "notes", "sentences"):
        assert getattr(loaded, name) == getattr(ablation, name)
    assert to_json(loaded.document()) == to_json(ablation.document())
    with pytest.raises(OtoscopeError, match=r"holds no ablation\.json"):
        Ablation.load(tmp_path)


def test_several_labels_a_clip(random_experiment):
    ablation = collect(random_experiment(multilabel=True, effect=-2.0, sets=20), {}, {})
    assert ablation.measures == ("average_precision", "margin", "cross_entropy")
    assert ablation.paired.empty
    assert ablation.confusions.empty
    own = ablation.summary.query("target == category")
    assert (own["average_precision_change"] < 0).all()
    assert (own["margin_p"] == 1 / 21).all()
    assert ablation.plot(measure="average_precision").get_xlabel() == (
        "change in average precision (percentage points)"
    )


def test_a_series_has_its_curve(random_experiment):
    series = {
        "class 0": ("gain", "one", "0"),
        "class 1": ("gain", "one", "0.5"),
        "class 2": ("layer", "b", "mlp"),
    }
    ablation = collect(random_experiment(series=series), {}, {})
    curves = ablation.curves
    assert len(curves) == 3 * 3 * 3
    assert curves["x"].dropna().unique().tolist() == [0, 0.5]
    row = curves.query("at == '0.5' and category == 'class 1' and measure == 'margin'").iloc[0]
    change, controls = changes_by_loops(ablation, "class 1", "class 1", "margin", "displacement")
    assert (row["change"], row["controls_mean"]) == pytest.approx((change, controls.mean()))
    assert ablation.diagonal.empty
    assert collect(random_experiment(), {}, {}).curves.empty


def test_conditions_and_clips_may_come_in_any_order(random_experiment, experiment):
    heard = random_experiment(sets=4)
    order = np.random.default_rng(0).permutation(len(heard.truth))
    turned = type(heard)(
        heard.label, heard.classes, heard.targets, heard.conditions, heard.outcomes.isel(clip=order),
        heard.probes, heard.truth[order], heard.groups[order],
    )  # fmt: skip
    one, other = collect(heard, {}, {}), collect(turned, {}, {})
    columns = ["baseline", "ablated", "change"]
    pd.testing.assert_frame_equal(one.effects[columns], other.effects[columns])
    pd.testing.assert_frame_equal(one.paired, other.paired)


def test_a_class_without_test_clips_is_noted_or_refused(experiment):
    heard = experiment([0, 2], np.zeros((1, 2, 3)), [])
    assert collect(heard, {}, {}).notes == ("No test clip is of class class 1: nothing is said of it.",)
    targets = [Target("class 1", ("class 1",), ((0, 0),))]
    with pytest.raises(
        OtoscopeError, match=r"no test clip is of class 'class 1'.*\(by column\).*try another"
    ):
        check_tested(targets, heard.truth, heard.classes, "by column")
    check_tested([Target("class 0", ("class 0",), ((0, 0),))], heard.truth, heard.classes, "by column")
    everywhere = np.array([[True, False], [True, True]])
    with pytest.raises(OtoscopeError, match="every test clip bears class 'class 0'"):
        check_tested([Target("x", ("class 0",), ())], everywhere, ("class 0", "class 1"), "")


def test_what_is_not_there_is_not_drawn(ablation):
    with pytest.raises(UsageError, match="no target 'x'; this ablation has class 0, class 1, class 2"):
        ablation.plot("x")
    with pytest.raises(UsageError, match="no match 'rate'; this ablation has layer, displacement"):
        ablation.plot(match="rate")
    assert "class 0" in ablation._repr_html_()
