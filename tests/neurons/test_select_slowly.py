"""Selection against a slow second implementation, straight from the method: fractions, loops, 40 digits."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope.neurons import PRESETS, select

SHARES = {
    "aape": {"t": 0.01, "esc50": 0.02, "gise51": 0.02},
    "lape": {},
    "aape-drop5": {"esc50": 0.02, "gise51": 0.02},
}
RESPONSE = {"aape": 0.95, "lape": 0.95, "aape-drop5": 0.05}


def slow_selection(store, preset, pooling, share=None):
    """Rows (layer, unit, class) in order, and the depth."""
    labels = store.clips["kind"].tolist()
    classes = sorted(set(labels))
    addresses = [(i, unit) for i, layer in enumerate(store.layers) for unit in range(layer.units)]
    p = {}
    for column, address in enumerate(addresses):
        for name in classes:
            clips = [i for i, each in enumerate(labels) if each == name]
            fired = [int(store.fired[i, column]) for i in clips]
            tokens = [int(store.tokens[i]) for i in clips]
            if pooling == "token":
                p[address, name] = Fraction(sum(fired), sum(tokens))
            else:
                p[address, name] = sum(map(Fraction, fired, tokens)) / len(clips)

    def quantile(q):
        ordered = sorted(p.values())
        return ordered[min(max(round(len(ordered) * q), 1), len(ordered)) - 1]

    response, assignment = quantile(RESPONSE[preset]), quantile(0.95)
    responding = [a for a in addresses if max(p[a, name] for name in classes) > response]
    if share is None:
        share = SHARES[preset].get(store.info["task"]["name"], 0.01)
    entropies = {a: slow_entropy([p[a, name] for name in classes]) for a in responding}
    kept = sorted(responding, key=lambda a: (entropies[a], a))[: round(len(addresses) * share)]
    rows = [(*a, name) for a in sorted(kept) for name in classes if p[a, name] > assignment]
    depth = sum(math.log(len(classes)) - float(entropies[a]) for a in kept) / len(kept) if kept else math.nan
    return rows, depth


def slow_entropy(p):
    with localcontext() as context:
        context.prec = 40
        total = sum(p)
        shares = [
            Decimal((each / total).numerator) / Decimal((each / total).denominator) for each in p if each
        ]
        found = -sum(each * each.ln() for each in shares)
        return round(found, 30)


@st.composite
def recordings(draw):
    """Small tables full of ties: few different counts, repeated neurons, silent neurons, silent classes."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes = draw(st.integers(2, 5))
    clips = classes + draw(st.integers(0, 6))
    units = draw(st.lists(st.integers(1, 30), min_size=1, max_size=3))
    neurons = sum(units)
    tokens = random.integers(1, draw(st.integers(2, 7)), clips)
    fired = random.integers(0, tokens[:, None] + 1, (clips, neurons))
    fired = fired[:, random.integers(0, neurons, neurons)] if draw(st.booleans()) else fired
    labels = np.array(list("abcde"))[np.arange(clips) % classes]
    fired[:, random.random(neurons) < draw(st.sampled_from([0, 0.3, 0.9]))] = 0
    if draw(st.booleans()):
        fired[labels == "b"] = 0
    task = draw(st.sampled_from(["t", "esc50", "gise51"]))
    return fired, tokens, labels.tolist(), units, task


@pytest.mark.parametrize("pooling", ["token", "clip"])
@pytest.mark.parametrize("preset", list(PRESETS))
@given(recording=recordings(), share=st.sampled_from([None, 0.05, 0.3, 1.0]))
@settings(max_examples=60, deadline=None)
def test_selection_equals_the_slow_one(store_of_any, preset, pooling, recording, share):
    fired, tokens, labels, units, task = recording
    store = store_of_any(fired, tokens, labels, units=units, task=task)
    rows, depth = slow_selection(store, preset, pooling, share)
    found = select(store, "kind", preset=preset, pooling=pooling, share=share, permutations=0)
    assert list(found.table[["layer", "unit", "category"]].itertuples(index=False, name=None)) == rows
    assert found.depth == pytest.approx(depth, abs=1e-12, nan_ok=True)
    assert found.table.equals(
        select(store, "kind", preset=preset, pooling=pooling, share=share, permutations=0).table
    )
    dead = {tuple(each) for each in store_addresses(units)[~fired.any(axis=0)].tolist()}
    assert not dead & set(found.neurons.itertuples(index=False, name=None))


def store_addresses(units):
    return np.array([(layer, unit) for layer, size in enumerate(units) for unit in range(size)])
