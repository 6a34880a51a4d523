import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons import firing_probability, probability


def test_token_pooling_on_paper(store_of):
    # Class a: clips of 10 and 30 tokens; b: one clip of 20.
    store = store_of([[10, 0, 1], [0, 0, 30], [5, 0, 20]], [10, 30, 20], ["a", "a", "b"])
    p = firing_probability(store, "kind")
    assert p.dims == ("layer", "unit", "category")
    assert p["category"].to_numpy().tolist() == ["a", "b"]
    assert p.sel(category="a").to_numpy().tolist() == [[10 / 40, 0.0, 31 / 40]]
    assert p.sel(category="b").to_numpy().tolist() == [[5 / 20, 0.0, 1.0]]


def test_clip_pooling_on_paper(store_of):
    store = store_of([[10, 0, 1], [0, 0, 30], [5, 0, 20]], [10, 30, 20], ["a", "a", "b"])
    p = firing_probability(store, "kind", pooling="clip")
    assert p.sel(category="a").to_numpy().tolist() == [[0.5, 0.0, 33 / 60]]


def test_a_clip_of_several_classes_counts_for_each(store_of):
    store = store_of([[4], [0]], [4, 4], ["a,b", "b"], multilabel=True)
    assert firing_probability(store, "kind").to_numpy().tolist() == [[[1.0, 0.5]]]


def test_clips_without_a_label_or_without_tokens_do_not_count(store_of):
    store = store_of([[4], [1], [4], [9]], [4, 4, 4, 0], ["a", "b", None, "a"])
    for pooling in ("token", "clip"):
        assert firing_probability(store, "kind", pooling=pooling).to_numpy().tolist() == [[[1.0, 0.25]]]


def test_layers_of_different_width_are_padded_with_nan(store_of):
    store = store_of([[1, 2, 3], [1, 2, 3]], [4, 4], ["a", "b"], units=[2, 1])
    p = firing_probability(store, "kind").sel(category="a").to_numpy()
    assert np.array_equal(p, [[0.25, 0.5], [0.75, np.nan]], equal_nan=True)


def test_a_mask_chooses_clips(store_of):
    store = store_of([[1], [2], [3], [4]], [4] * 4, ["a", "a", "b", "b"])
    chosen = firing_probability(store, "kind", clips=np.array([True, False, False, True]))
    assert chosen.to_numpy().tolist() == [[[0.25, 1.0]]]


def test_messages_name_what_is_wrong(store_of):
    store = store_of([[1], [2], [3]], [4, 4, 4], ["a", "a", "b"])
    with pytest.raises(OtoscopeError, match="no recorded clip among the clips chosen is of class 'b'"):
        firing_probability(store, "kind", clips=np.array([True, True, False]))
    with pytest.raises(
        UsageError, match=r"array of int64 and shape \(2,\); expected booleans of shape \(3,\)"
    ):
        firing_probability(store, "kind", clips=np.array([0, 1]))
    with pytest.raises(UsageError, match="pooling is 'frame'; expected one of token, clip"):
        firing_probability(store, "kind", pooling="frame")
    with pytest.raises(OtoscopeError, match=r"single class \['a'\]; expected two or more"):
        firing_probability(store_of([[1]], [4], ["a"]), "kind")


def test_a_class_whose_clips_were_all_skipped_is_named(store_of):
    with pytest.raises(OtoscopeError, match="no recorded clip is of class 'b'; expected one or more"):
        firing_probability(store_of([[1], [2]], [4, 0], ["a", "b"]), "kind")


recordings = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@given(recordings, st.sampled_from(["token", "clip"]))
def test_the_order_of_clips_does_not_matter(store_of_any, random, pooling):
    clips = int(random.integers(4, 30))
    tokens = random.integers(1, 400, clips)
    fired = random.integers(0, tokens[:, None] + 1, (clips, 7))
    labels = np.array(["a", "b", "c"])[np.arange(clips) % 3]
    order = random.permutation(clips)
    one = firing_probability(store_of_any(fired, tokens, labels), "kind", pooling=pooling)
    other = firing_probability(
        store_of_any(fired[order], tokens[order], labels[order]), "kind", pooling=pooling
    )
    assert one.identical(other)


@given(recordings)
def test_both_poolings_agree_to_the_bit_where_clips_are_equally_long(store_of_any, random):
    clips, length = int(random.integers(2, 30)), int(random.integers(1, 1000))
    fired = random.integers(0, length + 1, (clips, 5))
    store = store_of_any(fired, np.full(clips, length), np.array(["a", "b"])[np.arange(clips) % 2])
    token, clip = (firing_probability(store, "kind", pooling=each).to_numpy() for each in ("token", "clip"))
    assert np.array_equal(token, clip)


@given(recordings)
def test_clip_pooling_is_the_mean_of_shares_for_any_lengths(store_of_any, random):
    clips = int(random.integers(2, 60))
    tokens = random.integers(1, 5000, clips)  # their least common multiple is far beyond 2^53
    fired = random.integers(0, tokens[:, None] + 1, (clips, 4))
    labels = np.array(["a", "b"])[np.arange(clips) % 2]
    found = firing_probability(store_of_any(fired, tokens, labels), "kind", pooling="clip").to_numpy()[0]
    for number, name in enumerate("ab"):
        mean = (fired / tokens[:, None])[labels == name].mean(axis=0)
        np.testing.assert_allclose(found[:, number], mean, rtol=0, atol=1e-11)


def test_blocks_of_neurons_do_not_show(store_of, monkeypatch):
    random = np.random.default_rng(0)
    store = store_of(random.integers(0, 9, (6, 700)), [8] * 6, list("aabbcc"))
    whole = firing_probability(store, "kind")
    monkeypatch.setattr(probability, "_BLOCK_BYTES", 1)
    assert whole.identical(firing_probability(store, "kind"))


@pytest.mark.parametrize("pooling", ["token", "clip"])
@pytest.mark.parametrize("stretch", [1, 2, 5, 6])
def test_stretches_of_clips_do_not_show(store_of, monkeypatch, pooling, stretch):
    random = np.random.default_rng(0)
    tokens = [8, 5, 0, 9, 8, 7]  # one was skipped, one has no label
    store = store_of(random.integers(0, 5, (6, 300)), tokens, ["a", "a", "b", "b", None, "c"])
    whole = firing_probability(store, "kind", pooling=pooling)
    monkeypatch.setattr(probability, "_STRETCH", stretch)
    assert whole.identical(firing_probability(store, "kind", pooling=pooling))


def test_sums_beyond_32_bits_are_exact(store_of):
    store = store_of([[3], [2], [1]], [2**31, 2**31, 2**31], ["a", "a", "b"])
    store.fired = np.array([[2**31], [2**31 - 1], [7]], dtype=np.uint32)
    p = firing_probability(store, "kind").to_numpy()
    assert p.tolist() == [[[(2**32 - 1) / 2**32, 7 / 2**31]]]


@pytest.mark.parametrize("pooling", ["token", "clip"])
def test_layers_may_have_tokens_of_their_own(store_of, pooling):
    # Layer 0 hears 10 and 20 tokens of the two clips of a class, layer 1, which merges them, 4 and 6.
    tokens = np.array([[10, 4], [20, 6], [10, 4], [20, 6]])
    fired = [[5, 1], [5, 3], [0, 4], [20, 6]]
    store = store_of(fired, tokens, ["a", "a", "b", "b"], units=[1, 1])
    p = firing_probability(store, "kind", pooling=pooling).to_numpy()[:, 0]
    pooled = [[10 / 30, 20 / 30], [4 / 10, 10 / 10]]
    by_clip = [[(5 / 10 + 5 / 20) / 2, (0 + 1) / 2], [(1 / 4 + 3 / 6) / 2, 1]]
    assert np.allclose(p, pooled if pooling == "token" else by_clip, atol=1e-12)
