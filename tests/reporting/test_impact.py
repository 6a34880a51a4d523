"""What a report says of ablations: the result's own sentences, figures, tables, and models side by side."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from otoscope.files import write_json
from otoscope.interventions import Gain, Target
from otoscope.interventions.effects import Heard, collect
from otoscope.interventions.experiment import Condition
from otoscope.interventions.probes.fitted import Fitted
from otoscope.reporting import report
from otoscope.reporting.impact import words_of
from otoscope.reporting.impact_data import changes, single
from otoscope.reporting.impact_overview import NOT_COVERED
from otoscope.reporting.impact_tables import rows_of


@pytest.fixture
def shown(toy, make_store, tmp_path):
    """The text of a page about these ablations, the names of its figures, and its folder."""

    def show(*ablations):
        store = make_store()
        for position, each in enumerate(ablations):
            each.save(store.results / f"ablate-{position}")
        out = tmp_path / "report"
        html = toy.pages_of(report([store], out))
        return html, {file.stem for file in (out / "figures").iterdir()}, out / "tables"

    return show


def of_several_labels():
    """Clips may bear two classes; with the target off class b's logit means nothing any more."""
    random = np.random.default_rng(0)
    truth = random.random((40, 3)) < 0.5
    kinds = [("", "intact", 0), ("b", "target", 0), *(("b", "layer", draw) for draw in range(1, 20))]
    logit = np.where(truth, 1.0, -1.0) + random.normal(0, 0.3, (len(kinds), 40, 3))
    logit[1, :, 1] = random.normal(0, 1, 40)
    outcomes = xr.Dataset(
        {
            "logit": (("condition", "probe", "clip", "category"), logit[:, None]),
            "displacement": (("condition", "clip"), np.ones((len(kinds), 40))),
        }
    )
    conditions = [
        Condition(name, kind, draw, (Gain.of([(0, draw)], 0.0),) if name else ())
        for name, kind, draw in kinds
    ]
    target, probes = Target("b", ("b",), ((0, 0),)), [Fitted("logistic", 0, None, 3, True)]
    names, groups = ("a", "b", "c"), np.arange(40)
    return collect(Heard("mood", names, (target,), conditions, outcomes, probes, truth, groups), {}, {})


def test_the_sentences_and_notes_are_the_results_own(toy, shown):
    ablation = toy.ablation()
    html, _, _ = shown(ablation)
    said = html.replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"').replace("&amp;", "&")
    for sentence in (*ablation.sentences, *ablation.notes):
        assert sentence.replace(" %", "\N{NO-BREAK SPACE}%") in said


def test_classes_one_by_one_have_a_figure_of_own_classes_a_matrix_and_displacement(toy, shown):
    _, figures, tables = shown(toy.ablation())
    wanted = ("accuracy", "margin", "accuracy-matrix", "margin-matrix", "displacement")
    assert {f"1-mood-ablation-{name}" for name in wanted} <= figures
    own = pd.read_parquet(tables / "1-mood-ablation-own.parquet")
    assert len(own) == 3 * 2  # by both probes
    assert (own["target"] == own["category"]).all()


def test_a_series_has_curves_and_no_figure_for_each_of_its_targets(toy, shown):
    ablation = toy.ablation(gains=(0.0, 0.5, 2.0))
    html, figures, tables = shown(ablation)
    ours = {name.removesuffix("-dark") for name in figures if "ablation" in name}
    assert ours == {f"1-mood-ablation-{name}" for name in ("gain-accuracy", "gain-margin", "displacement")}
    assert "by gain" in words_of(ablation)
    assert len(pd.read_parquet(tables / "1-mood-ablation-curves.parquet")) == len(ablation.curves)
    assert "Change in accuracy over the series of targets" in html


def test_several_ablations_of_a_labeling_stand_one_below_the_other(toy, shown):
    _, figures, _ = shown(toy.ablation(), toy.ablation(together=True))
    assert {"1-mood-ablation-1-margin", "1-mood-ablation-displacement-2"} <= figures


def test_without_control_sets_the_page_says_what_is_not_known(toy, shown):
    html, figures, _ = shown(toy.ablation(draws=0))
    assert "No control sets were drawn: whether other neurons do the same is not known." in html
    assert "1-mood-ablation-displacement" not in figures


def test_of_several_labels_a_clip_average_precision_is_shown(shown):
    html, figures, tables = shown(of_several_labels())
    assert "1-mood-ablation-1-average_precision" in figures
    assert "average precision, points" in html
    assert "mcnemar_p" not in pd.read_parquet(tables / "1-mood-ablation.parquet")
    assert "the clips that bear the class less that of the others" in html


def test_rows_are_the_results_effects_in_points_with_a_p_for_each_way_of_matching(toy):
    ablation = toy.ablation()
    rows = rows_of(ablation)
    keys = ["target", "category", "probe"]
    effects = ablation.effects.query("measure == 'accuracy'").set_index(keys)
    np.testing.assert_allclose(rows.set_index(keys)["accuracy_change"], 100 * effects["change"])
    against = ablation.against.query("measure == 'margin' and match == 'layer'").set_index(keys)
    np.testing.assert_array_equal(rows.set_index(keys)["margin_p_adjusted_layer"], against["p_adjusted"])
    own = rows[(rows["target"] == rows["category"]) & (rows["probe"] == "logistic")]
    assert own["lost"].tolist() == [9, 9, 9]  # 0.3 of 30 clips
    assert own["accuracy_change"].to_numpy() == pytest.approx([-30] * 3)


def test_changes_of_a_target_agree_with_its_effects(toy):
    ablation = toy.ablation()
    found = changes(ablation).query("condition == 'target'").set_index(["target", "category"])
    effects = ablation.effects.query("probe == 'logistic' and measure == 'margin'")
    effects = effects.set_index(["target", "category"])["change"]
    pd.testing.assert_series_equal(found["margin"], effects, check_names=False)
    assert [each.name for each in single(ablation)] == list(ablation.classes)
    assert single(toy.ablation(together=True)) == []


@pytest.mark.parametrize("settings", [{}, {"options": ["--gain", "0.5", "--preset", "aape"]}])
def test_an_ablation_of_an_earlier_version_is_left_out_with_the_command_that_makes_it_again(
    toy, make_store, tmp_path, settings
):
    store = make_store()
    write_json(store.results / "ablate-old" / "ablation.json", {"label": "mood", "results": []} | settings)
    toy.ablation().save(store.results / "ablate-new")
    html = toy.pages_of(report([store], tmp_path / "report"))
    command = " ".join(["otoscope ablate toy.zarr --label mood", *settings.get("options", [])])
    assert "results/ablate-old was saved by an earlier version of otoscope and is left out" in html
    assert f"makes it again: {command}<" in html
    assert "Self against cross" in html


def test_an_ablation_that_was_not_finished_is_left_out(toy, make_store, tmp_path):
    store = make_store()
    (store.results / "ablate-mood" / "outcomes").mkdir(parents=True)
    html = toy.pages_of(report([store], tmp_path / "report"))
    assert "results/ablate-mood is not finished and is left out" in html


def test_models_stand_side_by_side_with_what_intervals_do_not_cover(toy, make_store, tmp_path):
    stores = [make_store("one.zarr"), make_store("two.zarr", model="toy:two")]
    found = [toy.ablation(drop=drop) for drop in (0.3, 0.0)]
    for store, ablation in zip(stores, found, strict=True):
        ablation.save(store.results / "ablate-it")
        toy.ablation(gains=(0.0, 2.0)).save(store.results / "ablate-gains")
    html = toy.pages_of(report(stores, tmp_path / "report"))
    assert NOT_COVERED in html
    table = pd.read_parquet(tmp_path / "report" / "tables" / "impact.parquet")
    rows = table[table["target"] == "calm"]
    assert rows["model"].tolist() == ["toy:one", "toy:two"]
    assert rows["share_change"].to_numpy() == pytest.approx([-30, 0])
    effect = found[0].effects.query("target == category == 'calm' and probe == 'logistic'")
    effect = effect[effect["measure"] == "margin"].iloc[0]
    assert rows.iloc[0][["margin_low", "margin_high"]].tolist() == effect[["low", "high"]].tolist()
    assert rows["share_beyond"].tolist() == [1, 0]
    assert rows["match"].tolist() == ["displacement"] * 2
    assert rows.iloc[0][["displacement", "relative"]].tolist() == pytest.approx([2.0, 1.05])
    assert len(table) == 2 * 3 * 2, "of a series only the set that is switched off"
    assert (table[table["target"].str.endswith("x0")]["share_change"] < 0).all()


def test_of_a_target_of_several_classes_the_overview_has_means_and_no_interval(toy, make_store, tmp_path):
    store = make_store()
    toy.ablation(together=True).save(store.results / "ablate-it")
    report([store], tmp_path / "report")
    (row,) = pd.read_parquet(tmp_path / "report" / "tables" / "impact.parquet").to_dict("records")
    assert row["classes"] == 2
    assert row["share_change"] == pytest.approx(-30)
    assert np.isnan(row["share_low"])
    assert row["share_verdict"] == "2 of 2"
