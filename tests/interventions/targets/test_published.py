"""The published lists: their neurons and figures are those of the configurations that EVAR has them in."""

from types import SimpleNamespace

import numpy as np
import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.targets import PUBLISHED, from_file, named, published
from otoscope.tasks import Labeling

EMOTION = Labeling("emotion", "emotion", ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"))
GENDER = Labeling("gender", "gender", ("female", "male"))
CHECKPOINT = "m2d:external/m2d_vit_base-80x608p16x16-221006-mr7/checkpoint-300.pth"


CONFIGURED = {  # int_neurons of nttcslab/eval-audio-repr, config/m2d_abl_neuron1.yaml and 2, at adb5588
    PUBLISHED[0]: """[ [0, 1], [0, 112], [0, 793], [3, 382], [3, 741], [3, 755], [3, 1959], [3, 2097],
        [3, 2233], [5, 1430], [5, 2471], [6, 1196], [7, 638], [7, 1157], [7, 2499], [8, 386], [8, 2554],
        [9, 347], [10, 393], [10, 2120], [10, 2369], [10, 2663] ]""",
    PUBLISHED[1]: """[ [3, 2540], [4, 270], [4, 827], [5, 1521], [5, 2462], [6, 907], [6, 2415], [6, 2852],
        [7, 540], [7, 763], [7, 2466], [7, 2756], [8, 193], [8, 348], [8, 690], [8, 1315], [8, 1669],
        [8, 2804], [9, 328], [9, 596], [9, 660], [9, 1720], [10, 1521], [10, 1861], [10, 2798],
        [11, 1030] ]""",
}


def learning_of(labeling, model=CHECKPOINT, units=3072):
    store = SimpleNamespace(layers=[SimpleNamespace(units=units)] * 12, info={"model": {"name": model}})
    return SimpleNamespace(store=store, labeling=labeling)


def test_there_are_two_of_22_and_26_neurons():
    assert PUBLISHED == ("kawamura2026:anger-happiness", "kawamura2026:jazz-classical")
    first, second = map(published, PUBLISHED)
    assert (len(first.neurons), len(second.neurons)) == (22, 26)
    assert (first.task, first.label, first.categories) == ("cremad", "emotion", ("ANG", "HAP"))
    assert (second.task, second.label, second.categories) == ("gtzan", "genre", ("jazz", "classical"))


def test_neurons_are_those_of_the_configurations(tmp_path):
    for name, line in CONFIGURED.items():
        path = tmp_path / "m2d_abl_neuron.yaml"
        path.write_text(f"int_gain: 0.0\nint_neurons: {line}\n")
        (target,), (configured,) = named(name)(learning_of(GENDER)), from_file(path)(learning_of(GENDER))
        assert target.neurons == configured.neurons
        assert target.level == configured.level == 0


def test_published_effects_are_single_clips():
    for name, clips, right in (
        (PUBLISHED[0], 1551, {"baseline": 1128, "ablated": 1128, "neighbour": 1130}),
        (PUBLISHED[1], 290, {"baseline": 248, "ablated": 250, "neighbour": 248}),
    ):
        table = published(name).accuracies
        assert table["clips"].sum() == clips
        for column, count in right.items():
            hits = table[column] * table["clips"]
            assert np.abs(hits - hits.round()).max() < 0.02
            assert hits.round().sum() == count
        assert (table["ablated"] - table["baseline"]).abs().max() < 0.034


def test_classes_are_attached_where_the_labeling_has_them():
    (target,) = named(PUBLISHED[0])(learning_of(EMOTION))
    assert (target.name, target.categories, target.level) == (PUBLISHED[0], ("ANG", "HAP"), 0)
    (target,) = named(PUBLISHED[0], level=2)(learning_of(GENDER))
    assert (target.categories, target.level) == ((), 2)


def test_another_checkpoint_is_warned_of_and_another_model_refused():
    with pytest.warns(UserWarning, match="in other weights a unit of the same number is another unit"):
        named(PUBLISHED[0])(learning_of(EMOTION, "m2d:mine.safetensors"))
    with pytest.raises(OtoscopeError, match=r"no unit 793; .*expected a recording of an M2D ViT-B"):
        named(PUBLISHED[0])(learning_of(EMOTION, "mini-ssl", units=600))
    with pytest.raises(
        UsageError, match="no published list 'kawamura'; expected one of kawamura2026:anger-h"
    ):
        named("kawamura")
