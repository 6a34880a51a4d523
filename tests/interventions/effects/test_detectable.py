"""What an experiment could see: on paper, by simulation, in words."""

import re

import numpy as np
import pytest
from scipy.stats import binomtest

from otoscope.interventions.effects import detectable


def test_six_clips_are_the_least_and_the_power_is_as_stated():
    found = detectable([265, 10, 7], [0.8415, 0.8, 0.7], 20, ["ANG", "few", "too few"])
    ang, few, none = found.table.to_dict("records")
    assert (ang["right"], ang["least_clips"]) == (223, 6)
    assert ang["least_points"] == pytest.approx(100 * 6 / 265)
    assert few["points_found"] > few["least_points"] == 60
    assert np.isnan([none["least_clips"], none["points_found"]]).all()
    assert binomtest(6, 6).pvalue < 0.05 < binomtest(5, 5).pvalue
    lost = np.random.default_rng(0).binomial(223, ang["clips_found"] / 223, size=20_000)
    power = np.mean([lost >= 6])
    assert power == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        (9, "no p is below 0.1.* nothing can be told from controls; 19 sets or more are needed"),
        (20, "no p is below 0.048.* multiplied by 6, it takes 119 sets"),
        (119, r"no p is below 0.0083, neither of one class nor adjusted for all 6\.$"),
    ],
)
def test_it_says_what_controls_can_tell(controls, said):
    found = detectable([40] * 6, [0.5] * 6, controls, list("abcdef"))
    assert found.smallest_p == 1 / (controls + 1)
    assert (found.controls_for_p, found.controls_for_classes) == (19, 119)
    assert re.search(said, found.sentences[-1])
    assert found.document()["by_category"][0]["category"] == "a"


def test_without_accuracy_it_speaks_of_controls_alone():
    (said,) = detectable([40, 50], [np.nan, np.nan], 20, ["a", "b"]).sentences
    assert said.startswith("Controls:")


def test_classes_that_cannot_lose_enough_are_named():
    said = detectable([40, 5], [0.9, 1.0], 20, ["a", "b"]).sentences
    assert "must lose 6 clips and gain none (15.0 points)" in said[0]
    assert said[1] == "Accuracy: no loss of b can be found, too few test clips are right."
