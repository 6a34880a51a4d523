"""The push of neurons: by gradient as by small changes, exact where the model is linear, no trace left."""

import numpy as np
import pytest
import torch
from torch import nn

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.interventions import Gain, embed
from otoscope.interventions.controls.pilot import Pilot
from otoscope.interventions.controls.push import derivatives
from otoscope.interventions.running import Batch
from otoscope.models import load_model, wrap


def hooks_of(model):
    return [len(point.module._forward_hooks) for point in model.hooks()]


def noise(clips, samples):
    random = np.random.default_rng(3)
    return tuple(Waveform(random.normal(0, 0.1, samples).astype(np.float32), samples) for _ in range(clips))


@pytest.mark.parametrize(("samples", "chunks"), [(4000, 1), (40000, 2)])
def test_slopes_are_those_of_small_changes_of_gains(samples, chunks):
    model, sounds = load_model("mini:random"), noise(2, samples)
    assert len(model.prepare(sounds)) == chunks
    scale = np.linspace(1, 3, model.embedding_size)
    found = derivatives(model, sounds, scale, 3, np.random.default_rng(5))
    signs = np.random.default_rng(5).choice([-1.0, 1.0], size=(3, 2, model.embedding_size))
    neurons, step = [(0, 7), (5, 300), (11, 767)], 0.05
    changed = [(Gain.of([each], 1 + sign * step),) for each in neurons for sign in (1, -1)]
    ((_, _, heard),) = embed(model, [Batch((0, 1), sounds)], changed)
    slopes = (heard[0::2] - heard[1::2]).astype(np.float64) / (2 * step) * scale
    expected = np.einsum("kcd,ncd->nck", signs, slopes)
    flat = [layer * 768 + unit for layer, unit in neurons]
    assert found.shape == (12 * 768, 2, 3)
    assert np.allclose(found[flat], expected, rtol=0.02, atol=0.02 * np.abs(expected).max())


def test_where_the_embedding_is_linear_in_the_gains_the_push_of_a_neuron_is_exact(make_pilot):
    pilot = make_pilot()
    last = [(1, unit) for unit in range(0, 60, 7)]
    predicted = [pilot.push.of(np.array([60 + unit])) for _, unit in last]
    # One neuron moves all values of the embedding at once: (v . d)^2 is |d|^2 on average over signs.
    assert np.allclose(predicted, pilot.displacements([[each] for each in last]), rtol=0.5)
    assert np.allclose(pilot.push.each[[60 + unit for _, unit in last]], predicted)


def test_the_first_order_tells_loud_neurons_from_quiet_ones(pilot):
    each = pilot.push.each
    actual = pilot.displacements([[(0, unit)] for unit in range(60)])
    assert each[:20].min() > 2 * np.median(each[20:60])
    assert np.corrcoef(np.log(each[:60]), np.log(actual))[0, 1] > 0.9


def test_values_that_are_constant_over_clips_count_for_nothing(make_pilot):
    pilot = make_pilot()
    deaf = Pilot(pilot.model, pilot.batches, np.zeros(12), seed=0)
    assert deaf.push.each.max() == 0
    assert deaf.displacements([[(0, 0)]]) == 0


def test_in_inference_mode_too_and_without_a_trace(make_pilot):
    pilot, again = make_pilot(), make_pilot()
    with torch.inference_mode():
        inside = pilot.push.each
    assert np.array_equal(inside, again.push.each)
    assert hooks_of(pilot.model) == [0, 0]
    assert all(weight.grad is None for weight in pilot.model.module.parameters())


class Closed(nn.Module):
    """A network that autograd cannot look into."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, sound):
        with torch.no_grad():
            return self.net(sound)


def test_a_model_without_gradient_is_refused_and_no_hook_stays(make_network):
    model = wrap(Closed(make_network()).eval(), ["net.2", "net.4"], sample_rate=16000)
    pilot = Pilot(model, [Batch((0,), noise(1, 1600))], np.ones(12), seed=0)
    with pytest.raises(
        OtoscopeError, match=r"displacement cannot be matched with the model 'wrap:Closed'.*leave displ"
    ):
        pilot.push.of(np.array([0]))
    assert hooks_of(model) == [0, 0]
