"""Clips lost and gained, and what they are taken for: on paper, against scipy and statsmodels."""

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from otoscope.interventions.effects.layout import Layout
from otoscope.interventions.effects.pairs import confusions_of, mcnemar, paired_of


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (1, 0), (6, 0), (5, 5), (3, 9), (40, 12)])
def test_mcnemar_is_that_of_other_libraries(lost, gained):
    p = mcnemar(np.array([lost]), np.array([gained]))[0]
    assert p == pytest.approx(statsmodels_mcnemar([[3, lost], [gained, 4]], exact=True).pvalue)
    if lost + gained:
        assert p == pytest.approx(binomtest(lost, lost + gained).pvalue)


@pytest.fixture
def heard(experiment):
    """Class 0 has three clips: one is lost to class 2, one gained from class 1, one stays right."""
    one_hot = np.eye(3)
    before = one_hot[[0, 1, 0, 1]]
    after = one_hot[[2, 0, 0, 1]]
    return experiment([0, 0, 0, 1], [before, after], [("off", "target", 0)], probes=("a", "a", "b"))


def test_pairs_on_paper(heard):
    paired = paired_of(heard, Layout.of(heard.conditions, heard.probes))
    assert paired.to_dict("records")[0] == {
        "target": "off", "category": "class 0", "probe": "a", "clips": 3, "right": 2.0, "lost": 1.0,
        "gained": 1.0, "mcnemar_p": 1.0,
    }  # fmt: skip
    assert list(paired["category"]) == 2 * ["class 0", "class 1"]  # class 2 has no clips


def test_confusions_on_paper(heard):
    found = confusions_of(heard, Layout.of(heard.conditions, heard.probes)).query("probe == 'b'")
    assert found[["category", "predicted", "before", "after", "change"]].to_numpy().tolist() == [
        ["class 0", "class 1", 1.0, 0.0, -1.0],
        ["class 0", "class 2", 0.0, 1.0, 1.0],
    ]


def test_over_seeds_there_are_mean_numbers_and_the_largest_p(heard):
    named = heard.outcomes["predicted"].to_numpy()
    named[1, 1] = named[0, 1]  # by the second seed nothing changes
    rows = paired_of(heard, Layout.of(heard.conditions, heard.probes))
    assert rows.iloc[0][["right", "lost", "gained", "mcnemar_p"]].tolist() == [2, 0.5, 0.5, 1]
    confused = confusions_of(heard, Layout.of(heard.conditions, heard.probes)).query("probe == 'a'")
    assert confused["change"].tolist() == [-0.5, 0.5]


def test_of_several_labels_a_clip_there_are_none(random_experiment):
    heard = random_experiment(multilabel=True, sets=2)
    layout = Layout.of(heard.conditions, heard.probes)
    assert paired_of(heard, layout).empty
    assert confusions_of(heard, layout).empty
