"""Experiments invented from logits: what clips come to is chosen, no model is heard."""

import numpy as np
import pytest
import xarray as xr

from otoscope.interventions.changes import Gain
from otoscope.interventions.effects import Heard
from otoscope.interventions.experiment import Condition
from otoscope.interventions.outcomes import Judge, dataset_of
from otoscope.interventions.probes.fitted import Fitted
from otoscope.interventions.targets import Target


class Identity:
    """A classifier whose logits are the embedding, scaled: another seed, another scale."""

    def __init__(self, classes, scale=1.0):
        self.classes_ = np.arange(classes)
        self.scale = scale

    def decision_function(self, X):
        return np.asarray(X, dtype=float) * self.scale


def probes_of(names, classes, multilabel=False):
    """Probes called by these names, one a seed: ["logistic", "logistic", "evar"] has two seeds of one."""
    seen = {}
    made = []
    for name in names:
        seed = seen[name] = seen.get(name, -1) + 1
        made.append(Fitted(name, seed, Identity(classes, 1 + seed / 4), classes, multilabel))
    return made


def invented(
    truth, logits, kinds, *, categories=None, groups=None, probes=("logistic",), series=None, label="mood"
):
    """An experiment with these logits.

    Args:
        truth: (clips,) numbers of classes, or (clips, classes) bool.
        logits: (conditions, clips, classes), the unmodified model first.
        kinds: of each other condition its (target, kind, draw).
        categories: by target, its classes; none by default.
        groups: of the clips; none by default.
        probes: names of the probes.
        series: by target, its (series, of, at).
    """
    truth, logits = np.asarray(truth), np.asarray(logits, dtype=np.float32)
    classes = logits.shape[2]
    fitted = probes_of(probes, classes, truth.ndim == 2)
    arrays = Judge(fitted, truth, np.ones(classes))(logits, logits[0], range(len(truth)))
    names = tuple(f"class {k}" for k in range(classes))
    outcomes: xr.Dataset = dataset_of(arrays, fitted, list(range(len(truth))), names)
    conditions = [Condition("", "intact", 0, ())]
    conditions += [
        Condition(target, kind, draw, (Gain.of([(0, draw), (1, draw)], 0.0),)) for target, kind, draw in kinds
    ]
    targets = tuple(
        Target(
            name,
            tuple((categories or {}).get(name, ())),
            ((0, 0), (1, 2)),
            0.0,
            *(series or {}).get(name, ()),
        )
        for name in dict.fromkeys(target for target, kind, _ in kinds if kind == "target")
    )
    unit = np.arange(len(truth)) if groups is None else np.asarray(groups)
    return Heard(label, names, targets, conditions, outcomes, fitted, truth, unit)


def at_random(
    seed=0,
    *,
    classes=3,
    each=8,
    sets=5,
    matches=("layer", "displacement"),
    effect=0.0,
    multilabel=False,
    **settings,
):
    """One target a class, which moves the class's own logit by `effect`; control sets move all at random."""
    random = np.random.default_rng(seed)
    index = np.repeat(np.arange(classes), each)
    member = index[:, None] == np.arange(classes)
    if multilabel:
        member = member | (random.random(member.shape) < 0.2)
    clean = random.normal(size=member.shape) + 2.0 * member
    logits, kinds = [clean], []
    for k in range(classes):
        name = f"class {k}"
        moved = clean + random.normal(size=clean.shape) * 0.3
        moved[:, k] += effect * member[:, k]
        logits.append(moved)
        kinds.append((name, "target", 0))
        for match in matches:
            for draw in range(1, 2 if match == "neighbour" else sets + 1):
                logits.append(clean + random.normal(size=clean.shape) * (0.1 if match == "layer" else 0.3))
                kinds.append((name, match, draw))
    own = {f"class {k}": (f"class {k}",) for k in range(classes)}
    truth = member if multilabel else index
    return invented(truth, np.stack(logits), kinds, **({"categories": own} | settings))


@pytest.fixture(scope="session")
def experiment():
    return invented


@pytest.fixture(scope="session")
def random_experiment():
    return at_random
