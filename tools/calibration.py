"""The experiments behind the page "Calibration": each is a list of settings, and what one seed gives of one.

Each `measure` takes a setting and a seed and returns a row of numbers. tools/docs_calibration.py runs
them all; the tests run some of them again.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

import otoscope
from calibration_impact import CLAIMS, claim, impact_level
from calibration_impact import LEVELS as IMPACT
from calibration_sharing import SETTINGS as SHARING
from calibration_sharing import sharing
from otoscope.neurons import select
from otoscope.neurons.designs import Design, design_of
from otoscope.neurons.evidence.power import chance_to_find
from otoscope.neurons.meaning.follows import follows
from otoscope.neurons.probability import labelled_clips
from otoscope.neurons.specific.halving import Halves, halves_of
from otoscope.neurons.specific.procedure import specific
from otoscope.neurons.specific.search import search
from otoscope.neurons.specific.selected import selected_of
from otoscope.neurons.worlds.building import World
from otoscope.tasks import Labeling

__all__ = ["EXPERIMENTS", "Experiment", "interval", "most_within", "predicted"]

Setting = dict[str, Any]
Row = dict[str, float]

PERMUTATIONS = 99
LEVELS = (0.01, 0.05, 0.1)
SMALL = {"classes": 3, "layers": 2, "units": 40, "tokens": (10, 20), "strength": 0.0, "group_effect": 0.3}
UNEQUAL_SMALL = {"class_sizes": (36, 12, 9), "clips": 3, "groups": 6}
UNEQUAL = {"class_sizes": (600, 240, 120, 80, 80, 80), "groups": 24, "clips": 10}
WORLD_NEURONS = 400
PLANTED = 1  # neurons of each of the 4 classes in the worlds of "power"; `specific` takes two of each at most
CLASSES = 4


@dataclass(frozen=True)
class Experiment:
    """What is run.

    Attributes:
        name: of the file that keeps the results.
        settings: what is varied.
        seeds: worlds of each setting, of seeds from 0.
        measure: one world.
        rows: whether to keep a row for each world rather than sums over them.
    """

    name: str
    settings: tuple[Setting, ...]
    seeds: int
    measure: Callable[[Setting, int], Row]
    rows: bool = False


def level(setting: Setting, seed: int) -> Row:
    """The p of depth and excess in a null world, plain and randomised over ties."""
    world = _level_world(setting, seed)
    by_clips = setting["permuted"] == "clips"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The design ungrouped ignores")
        found = select(
            world,
            "class",
            share=0.1,
            response=0.5,
            assignment=0.5,
            permutations=PERMUTATIONS,
            design="ungrouped" if by_clips else None,
            seed=seed + 1000,
            twins=False,
        )
    chance = found.chance
    random = np.random.default_rng(seed)
    return {
        "depth": chance.depth.p,
        "excess": chance.excess.p,
        "depth_even": randomised(chance.values["depth"].to_numpy(), found.depth, random),
        "excess_even": randomised(chance.values["excess"].to_numpy(), chance.found_excess, random),
    }


def _level_world(setting: Setting, seed: int) -> World:
    design = setting["design"].removeprefix("multi-label, ")
    sizes = UNEQUAL_SMALL if setting["sizes"] == "unequal" else {"groups": 6, "clips": 3}
    world = otoscope.world(**SMALL, **sizes, design=design, seed=seed)
    return world if design == setting["design"] else several_labels(world, seed)


def several_labels(world: World, seed: int) -> World:
    """The same world; half of the clips, drawn at random, bear the next class too."""
    names = world.labelings["class"].classes
    number = world.clips["class"].map({name: k for k, name in enumerate(names)}).to_numpy()
    both = np.random.default_rng([seed, 7]).random(len(number)) < 0.5
    labels = [
        f"{names[k]},{names[(k + 1) % len(names)]}" if more else names[k]
        for k, more in zip(number, both, strict=True)
    ]
    clips = world.clips.assign(several=labels)
    group = world.labelings["class"].group
    labeling = Labeling("class", "several", names, multilabel=True, group=group, split="split")
    return replace(world, clips=clips, labelings={"class": labeling})


def randomised(permuted: NDArray[np.float64], found: float, random: np.random.Generator) -> float:
    """Uniform on (0, 1) for an exact test: between the shares of permutations above, and at or above."""
    tie = 1e-6 * abs(found)
    above, alike = (permuted > found + tie).sum(), (np.abs(permuted - found) <= tie).sum()
    return float((above + random.uniform() * (1 + alike)) / (1 + len(permuted)))


def null(setting: Setting, seed: int) -> Row:
    """Whether `specific` selects where there is nothing to select, and how many."""
    kinds = {
        "equal": {"classes": 6, "groups": 24, "clips": 10, "strength": 0.0},
        "unequal": {"classes": 6, **UNEQUAL, "strength": 0.0},
        "twins alone": {"classes": 2, "groups": 24, "clips": 10, "twins": True},
        "twins among 6 others": {
            "classes": 8, "groups": 24, "clips": 5, "twins": True, "specific": 1, "units": 200,
        },
    }  # fmt: skip
    kind = kinds[setting["classes"]]
    world = otoscope.world(
        **{"layers": 4, "units": 100, **kind}, design=setting["design"], group_effect=setting["group_effect"],
        seed=seed,
    )  # fmt: skip
    table = specific(world, "class", seed=seed, permutations=0).table
    selected = table.groupby(["layer", "unit"])["category"].agg(set)
    wrong = [bool(world.truth.empty) or len(each & {"class 0", "class 1"}) == 1 for each in selected]
    return {"worlds": float(any(wrong)), "neurons": float(sum(wrong)), "selected": float(len(selected))}


def power(setting: Setting, seed: int) -> Row:
    """How many of the planted neurons `specific` finds, and how many others."""
    world = otoscope.world(
        classes=CLASSES, layers=2, units=WORLD_NEURONS // 2, specific=PLANTED, seed=seed, **setting
    )
    columns = ["layer", "unit", "category"]
    found = set(specific(world, "class", seed=seed, permutations=0).table[columns].itertuples(index=False))
    true = set(world.truth[columns].itertuples(index=False))
    found, true = {tuple(each) for each in found}, {tuple(each) for each in true}
    return {"planted": len(true), "found": len(found & true), "wrong": len(found - true)}


def split(setting: Setting, seed: int) -> Row:
    """How many planted neurons are found where the groups are used in another way than in halves."""
    own = {name: setting[name] for name in ("design", "units", "specific")}
    world = otoscope.world(classes=CLASSES, groups=12, clips=10, layers=2, group_effect=0.1, seed=seed, **own)
    clips = labelled_clips(world, "class")
    design = design_of(clips.membership, clips.groups)
    halves = halves_of(design, clips.classes, np.random.default_rng([seed, 0]), "class")
    ways = {"halves": [halves.held], "a third chooses": [_third(halves, design, seed)]}
    ways["both ways"] = [halves.held, ~halves.held]
    held = ways[setting["groups"]]
    worlds = [replace(halves, held=each) for each in held]
    found = search(world, clips, design, worlds, 0.05 / len(held), "bh")
    selected = {
        (int(each.neurons[j]), clips.classes[k])
        for each in selected_of(world, clips, design, worlds, found, 0.65)
        for k, j in np.argwhere(each.inside)
    }
    truth = world.truth
    true = set(zip(truth["layer"] * setting["units"] + truth["unit"], truth["category"], strict=True))
    return {"planted": len(true), "found": len(selected & true), "wrong": len(selected - true)}


def _third(halves: Halves, design: Design, seed: int) -> NDArray[np.bool_]:
    """True for the units of two groups of three: of each class, or in a crossed design of all."""
    crossed = design.name == "crossed"
    group = design.stratum if crossed else np.arange(len(design.rows))
    part = np.zeros(len(group), dtype=np.int64) if crossed else halves.code
    held = np.zeros(len(group), dtype=bool)
    random = np.random.default_rng([seed, 3])
    for each in np.unique(part):
        names = random.permutation(np.unique(group[part == each]))
        held |= (part == each) & np.isin(group, names[len(names) // 3 :])
    return held


def following(setting: Setting, seed: int) -> Row:
    """How many neurons of each kind are flagged as following a descriptor."""
    world = otoscope.world(
        classes=4, groups=24, clips=10, layers=2, units=100, specific=3, acoustic=12, seed=seed, **setting
    )
    flags = follows(world, world.descriptors, "class", seed=seed).table.set_index(["layer", "unit"])[
        "follows"
    ]
    truth = world.truth.set_index(["layer", "unit"])
    acoustic, class_driven = (truth[truth["kind"] == kind] for kind in ("acoustic", "specific"))
    plain = flags.drop(truth.index)
    own = flags.loc[acoustic.index]
    return {
        "acoustic": len(acoustic),
        "acoustic_flagged": int((own == acoustic["follows"]).sum()),
        "acoustic_mistaken": int(((own != acoustic["follows"]) & (own != "")).sum()),
        "class_driven": len(class_driven),
        "class_driven_flagged": int((flags.loc[class_driven.index] != "").sum()),
        "plain": len(plain),
        "plain_flagged": int((plain != "").sum()),
        "worlds_wrong": float((flags.drop(acoustic.index) != "").any()),
    }


def predicted(setting: Setting, alpha: float = 0.05) -> float:
    """The chance that a planted neuron of "power" passes its tests, from numbers of groups alone.

    What half A misses is not counted, nor what the correction takes or gives as the other neurons fare.
    """
    paired, clips, effect = setting["design"] == "crossed", setting["clips"], setting["group_effect"]
    groups = setting["groups"] * (clips if setting["design"] == "ungrouped" else 1)
    within = (1 - effect) / clips
    spread = {"ungrouped": 1.0, "nested": effect + within, "crossed": within}[setting["design"]]
    on_b = groups - groups // 2
    candidates = CLASSES * int(np.ceil(0.02 * WORLD_NEURONS / CLASSES))
    level = alpha * PLANTED * CLASSES / candidates
    shift = setting["strength"] / np.sqrt(spread)
    return chance_to_find(shift, on_b, (on_b,) * (CLASSES - 1), level, paired)


def most_within(level: float, seeds: int) -> int:
    """The upper end of the 99 % binomial interval of rejections at a level."""
    return int(stats.binom.ppf(0.995, seeds, level))


def interval(count: int, seeds: int) -> tuple[float, float]:
    """The 95 % interval of a rate (Clopper and Pearson)."""
    found = stats.binomtest(count, seeds).proportion_ci(0.95, method="exact")
    return float(found.low), float(found.high)


def _level_settings() -> list[Setting]:
    designs = ("ungrouped", "nested", "crossed")
    found = [
        {"design": design, "sizes": sizes, "permuted": "as designed"}
        for design in (*designs, "multi-label, ungrouped", "multi-label, crossed")
        for sizes in ("equal", "unequal")
    ]
    return [*found, {"design": "nested", "sizes": "equal", "permuted": "clips"}]


def _split_settings() -> list[Setting]:
    return [
        {"design": design, "units": units, "specific": specific, "groups": groups}
        for design in ("nested", "crossed")
        for units, specific in ((200, 2), (1000, 2), (1000, 10))
        for groups in ("halves", "a third chooses", "both ways")
    ]


def _null_settings() -> list[Setting]:
    return [
        {"design": design, "classes": classes, "group_effect": effect}
        for design in ("ungrouped", "nested", "crossed")
        for classes in ("equal", "unequal", "twins alone", "twins among 6 others")
        for effect in ((0.0,) if design == "ungrouped" else (0.1, 0.5))
    ]


def _power_settings() -> list[Setting]:
    """The curves; then, at 1 standard deviation, clips of a group, group effects, more groups."""
    found = [
        {"design": design, "groups": groups, "clips": clips, "strength": strength, "group_effect": effect}
        for design, clips, effect, numbers in (
            ("nested", 10, 0.1, (8, 12, 16, 24, 48)),
            ("crossed", 10, 0.1, (12, 16, 24, 48)),
            ("ungrouped", 1, 0.0, (8, 12, 16, 24, 48, 96)),
        )
        for strength in (0.5, 1.0, 1.5)
        for groups in numbers
    ]
    found += [
        {"design": design, "groups": 12, "clips": clips, "strength": 1.0, "group_effect": effect}
        for design in ("nested", "crossed")
        for clips in (4, 10, 20, 40)
        for effect in (0.0, 0.1, 0.25, 0.5)
    ]
    found += [
        {"design": "nested", "groups": groups, "clips": 10, "strength": 1.0, "group_effect": effect}
        for groups in (16, 24, 48)
        for effect in (0.0, 0.25, 0.5)
    ]
    return list(pd.DataFrame(found).drop_duplicates().to_dict("records"))


EXPERIMENTS = (
    Experiment("level", tuple(_level_settings()), 200, level, rows=True),
    Experiment("null", tuple(_null_settings()), 200, null),
    Experiment("following", tuple({"design": d} for d in ("ungrouped", "nested", "crossed")), 200, following),
    Experiment("power", tuple(_power_settings()), 200, power),
    Experiment("sharing", SHARING, 200, sharing, rows=True),
    Experiment("split", tuple(_split_settings()), 100, split),
    Experiment("impact_level", IMPACT, 200, impact_level, rows=True),
    Experiment("impact_claims", CLAIMS, 10, claim, rows=True),
)
