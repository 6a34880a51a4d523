"""Changes of each kind, one by one and together: what they make of activations, and what they refuse."""

import numpy as np
import pytest
import torch

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions import Clamp, Directions, Gain, Patch, intervene, tape
from otoscope.models import load_model

NEURONS = [(3, 5), (3, 700), (8, 0)]


@pytest.fixture(scope="module")
def model():
    return load_model("mini:random")


def chunk_of(model, seed, clips=2):
    sound = np.random.default_rng(seed).normal(0, 0.1, (clips, model.sample_rate // 2)).astype(np.float32)
    (chunk,) = model.prepare([Waveform(each, len(each)) for each in sound])
    return chunk


@pytest.fixture(scope="module")
def chunk(model):
    return chunk_of(model, 0)


def heard(model, chunk, *changes):
    """The activation of every layer as what follows sees it, and the features."""
    seen = []
    with intervene(model, *changes), torch.inference_mode():
        handles = [
            point.attach(lambda activation: seen.append(activation.clone())) for point in model.hooks()
        ]
        try:
            seen.append(model.forward(chunk))
        finally:
            for handle in handles:
                handle.remove()
    return seen


def equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_clamp_holds_units_at_every_position_and_no_other(model, chunk):
    plain, held = heard(model, chunk), heard(model, chunk, Clamp({(3, 5): 0.25, (8, 0): -1.0}))
    assert (held[3][..., 5] == 0.25).all()
    assert (held[8][..., 0] == -1.0).all()
    others = torch.arange(model.layers[3].units) != 5
    assert torch.equal(held[3][..., others], plain[3][..., others])
    assert not torch.equal(held[-1], plain[-1])


def test_clips_patched_with_themselves_are_as_they_were(model, chunk):
    own = tape(model, chunk, NEURONS)
    assert equal(heard(model, chunk, Patch(tuple(NEURONS), tape=own)), heard(model, chunk))


def test_patched_units_do_what_they_did_in_the_other_clips(model, chunk):
    other = chunk_of(model, 1)
    theirs = heard(model, other)
    patched = heard(model, chunk, Patch(((3, 700), (3, 5)), tape=tape(model, other, NEURONS)))
    assert torch.equal(patched[3][..., [5, 700]], theirs[3][..., [5, 700]])
    others = torch.tensor([unit for unit in range(model.layers[3].units) if unit not in (5, 700)])
    assert torch.equal(patched[3][..., others], heard(model, chunk)[3][..., others])


def test_everything_patched_makes_the_other_clip_of_what_follows(model, chunk):
    """All hidden units of all layers: what is left of the clip are its tokens and its attention."""
    other = chunk_of(model, 1)
    every = tuple((layer, unit) for layer in range(12) for unit in range(model.layers[layer].units))
    patched = heard(model, chunk, Patch(every, tape=tape(model, other, every)))
    assert equal(patched[:-1], heard(model, other)[:-1])


def test_directions_along_the_axes_of_units_are_gains(model, chunk):
    axes = np.eye(model.layers[3].units, dtype=np.float32)[[5, 700]]
    along, gained = (
        heard(model, chunk, change)[-1]
        for change in (Directions({3: axes}, 0.5), Gain({(3, 5): 0.5, (3, 700): 0.5}))
    )
    torch.testing.assert_close(along, gained, atol=1e-5, rtol=1e-5)


def test_without_any_direction_nothing_is_left(model, chunk):
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.normal(size=(768, 768)))[0].astype(np.float32)
    assert heard(model, chunk, Directions({3: basis}))[3].abs().max() < 1e-4
    same = heard(model, chunk, Directions({3: basis}, 1.0))
    assert equal(same, heard(model, chunk))


def test_changes_of_one_layer_come_one_after_the_other(model, chunk):
    both = heard(model, chunk, Clamp({(3, 5): 2.0}), Gain({(3, 5): 3.0}))
    assert (both[3][..., 5] == 6.0).all()
    other_way = heard(model, chunk, Gain({(3, 5): 3.0}), Clamp({(3, 5): 2.0}))
    assert (other_way[3][..., 5] == 2.0).all()


def test_an_outer_block_comes_first(model, chunk):
    with intervene(model, Clamp({(3, 5): 2.0})):
        assert (heard(model, chunk, Gain({(3, 5): 3.0}))[3][..., 5] == 6.0).all()
    assert not (heard(model, chunk)[3][..., 5] == 2.0).any()


def test_nothing_is_left_after_a_failure(model, chunk):
    before = heard(model, chunk)

    def fail() -> None:
        with intervene(model, Gain.of(NEURONS)):
            raise RuntimeError("in the block")

    with pytest.raises(RuntimeError, match="in the block"):
        fail()
    with pytest.raises(OtoscopeError, match="no tape"):  # the second change is refused, the first put in
        heard(model, chunk, Gain.of(NEURONS), Patch(((3, 5),)))
    with pytest.raises(OtoscopeError, match="clips and positions"):  # within a forward pass
        heard(model, chunk, Patch(((3, 5),), tape=tape(model, chunk_of(model, 1, clips=1), NEURONS)))
    assert equal(heard(model, chunk), before)
    assert not any(point.module._forward_hooks for point in model.hooks())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Clamp({(3, 5): float("nan")}), "neuron 3.5 is held at nan; expected a finite activation"),
        (Clamp({(12, 0): 0.0}), "12"),
        (Patch(((3, 768),)), "768"),
        (Directions({3: np.eye(4, dtype=np.float32)}), r"layer 3 have the shape \(4, 4\); expected"),
        (Directions({12: np.eye(4, dtype=np.float32)}), "the model has the layers 0 to 11"),
    ],
)
def test_what_the_model_does_not_have_is_refused(model, chunk, change, message):
    with pytest.raises(UsageError, match=message):
        heard(model, chunk, change)


def test_equal_changes_have_equal_words():
    assert Gain.of(NEURONS).words() == Gain.of(reversed(NEURONS)).words()
    assert Gain.of(NEURONS).words() != Gain.of(NEURONS, 0.5).words()
    assert Clamp({(3, 5): 0.0}).words() != Gain({(3, 5): 0.0}).words()
    one, other = (Directions({0: np.eye(4, dtype=np.float32)[:n]}) for n in (1, 2))
    assert one.words() != other.words()
    assert Patch(((3, 5),), "any").words() != Patch(((3, 5),), "dog").words()
