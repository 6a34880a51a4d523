"""GISE-51: isolated sound events, and mixtures of them."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set

import pandas as pd

from otoscope.audio import SUFFIXES
from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import SPLITS, read_lines
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["CLASSES", "Gise51"]

CLASSES = (
    *("Applause", "Boom_and_explosion", "Burping_and_eructation", "Bus", "Car", "Chirp_and_tweet"),
    *("Clapping", "Coin_(dropping)", "Cough", "Crash_cymbal", "Cricket"),
    *("Crumpling_and_crinkling_and_crushing", "Dishes_and_pots_and_pans_and_cutlery_and_silverware"),
    *("Dog", "Drill", "Drum", "Fart", "Fireworks", "Glass", "Gong", "Guitar", "Gunshot_and_gunfire"),
    *("Hammer", "Harmonica", "Harp", "Hi-hat", "Human_speech", "Keys_jangling", "Laughter"),
    *("Marimba_and_xylophone", "Organ", "Piano", "Rattle_(instrument)", "Screaming", "Shatter", "Slam"),
    *("Sliding_door", "Subway_and_metro_and_underground", "Tambourine", "Tap", "Tearing", "Thunder"),
    *("Toilet_flush", "Train", "Trumpet", "Walk_and_footsteps"),
    *("Waves_and_surf_and_splash_and_splatter_stream", "Whispering", "Wind", "Writing"),
    "Zipper_(clothing)",
)
"""The classes in the order of `lbl_map.json`."""

_PART = re.compile(r"_\([^)]*\)$")
# The authors' script writes some names without what stands in parentheses.
_BY_NAME = {_PART.sub("", name): name for name in CLASSES}
_LOOKED_FOR = "folders named after the classes with WAV files, or FLAC files with TXT files of the same names"


class Gise51(Reader):
    """Isolated sound events of 51 classes, or five-second mixtures of one to three of them.

    Which of the two is read depends on what the folder holds. "event" has one label a clip for isolated
    events, told by the folder of the class (`Zipper` and `Zipper_(clothing)` are one), and several for
    mixtures, told by the TXT file beside each FLAC file. The classes are in the order of lbl_map.json, which
    need not be there. Where a folder holds both, the mixtures are read; name the folder of the isolated
    events to have those.

    The split is told by the folders: train (and train_5k, train_p2 ...), val, eval. All training sets that
    are there are read; a warning says so where the smaller may repeat mixtures of the larger. Isolated events
    that do not lie below such folders have no split. There are no groups: the distribution does not tell
    which clips come from one recording.

    The sound comes from FSD50K: do not treat the two as independent. The `.lmdb` files of the authors'
    training code cannot be read.
    """

    name = "gise51:DIR"
    about = "GISE-51: sound events, 51 classes; isolated, or mixtures of several"
    needs = "isolated_events/, or the mixtures' folders train/, val/ and eval/"
    layout = (
        "isolated_events/ (perhaps with train/, val/, eval/ above the classes)\n"
        "  Applause/1234.wav ...\n"
        "  Boom_and_explosion/1234.wav ...\n"
        "or\n"
        "train/soundscape_unimodal0_proc_0.flac and .txt ...\n"
        "val/soundscape_unimodal0_proc_0.flac and .txt ...\n"
        "eval/soundscape_unimodal0_proc_0.flac and .txt ..."
    )
    labelings = {"event": 51}
    splits = "train, valid and test by folder"
    obtain = "get it from https://zenodo.org/records/4593514 (isolated_events.tar.gz, or train, val and eval)"
    citation = (
        "S. Yadav, M. E. Foster. GISE-51: A scalable isolated sound events dataset. arXiv:2103.12306, 2021."
    )
    licence = "CC BY 4.0; the source clips keep their Freesound licences"

    def load(self, request: Request) -> Task:
        """Read the isolated events or the mixtures, whichever the folder holds."""
        if request.place.lower().endswith(".lmdb"):
            raise self._packed(request.place, [request.place])
        tree = Tree.at(request.place)
        if tree.left_out:
            listed = some([f"{name!r} ({reason})" for name, reason in tree.left_out.items()])
            warn(f"{tree.place}: left out {len(tree.left_out)} entries: {listed}")
        mixtures, isolated = _mixtures(tree), _isolated(tree)
        if mixtures or isolated:
            _tell_strangers(tree, {*mixtures, *isolated})
        if mixtures:
            if isolated:
                warn(
                    f"{tree.place}: holds mixtures and {len(isolated)} isolated events; read are the "
                    "mixtures; name the folder of the isolated events to have those"
                )
            return _task("gise51-mixtures", tree, _labelled(tree, mixtures), multilabel=True)
        if isolated:
            return _task("gise51", tree, isolated, multilabel=False)
        if packed := [name for name in (*tree.files, *tree.folders) if name.endswith((".lmdb", ".mdb"))]:
            raise self._packed(request.place, packed)
        raise self.refuse(
            request.place, f"looked for {_LOOKED_FOR} there, and found {some(_entries(tree)) or 'nothing'}"
        )

    def _packed(self, place: str, names: Sequence[str]) -> TaskError:
        return self.refuse(
            place, f"{some(names)} is packed for the authors' training code, and cannot be read here"
        )


def _task(name: str, tree: Tree, events: Mapping[str, list[str]], multilabel: bool) -> Task:
    """The task whose clips are these files with these events."""
    # A mixture lies in the folder of its subset; an isolated event in that of its class, perhaps below one.
    top = tree.name
    subsets = {file: _above(top, file)[-1 if multilabel else -2] for file in events}
    split = {file: _part(subset) for file, subset in subsets.items()}
    depth = {file: 3 if part and not multilabel else 2 for file, part in split.items()}
    clips = pd.DataFrame(
        {
            # However far up the folder lies that the user named, clips have the same names.
            "clip": ["/".join([*_above(top, file), _base(file)][-depth[file] :]) for file in events],
            "path": [tree.path(file) for file in events],
            "event": pd.Series([row if multilabel else row[0] for row in events.values()], dtype=object),
        }
    )
    known = any(split.values())
    if known:
        clips["split"] = pd.Series(list(split.values()), dtype=object)
    outside = [file for file, part in split.items() if part is None]
    if outside and (known or multilabel):
        warn(f"{tree.place}: clips in no folder of a split: {len(outside)} ({some(outside)})")
    _tell_training_sets(tree, set(subsets.values()))
    met = {label for row in events.values() for label in row}
    borne = tuple(label for label in CLASSES if label in met)
    labeling = Labeling("event", "event", borne, multilabel, split="split" if known else None)
    return Task(name, clips, (labeling,))


def _above(top: str, file: str) -> list[str]:
    """The names of the folders above a file, `top` being the one that the user named, padded to two."""
    return ["", top, *file.split("/")[:-1]]


def _base(file: str) -> str:
    """The name of a file without the folders above it."""
    return file.rpartition("/")[2]


def _part(folder: str) -> str | None:
    """The part of the split that a folder stands for, such as train for train_5k."""
    return "train" if folder.startswith("train") else SPLITS.get(folder)


def _class(name: str) -> str | None:
    """The class that a folder or a label names, with or without what stands in parentheses."""
    return _BY_NAME.get(_PART.sub("", name))


def _isolated(tree: Tree) -> dict[str, list[str]]:
    """The class of each sound that lies in a class's folder."""
    links = [name for name in tree.left_out if name.lower().endswith(SUFFIXES)]
    top = tree.name
    found = {file: _class(_above(top, file)[-1]) for file in sorted([*tree.audio, *links])}
    return {file: [name] for file, name in found.items() if name}


def _mixtures(tree: Tree) -> dict[str, bool]:
    """The FLAC files of mixtures, and whether a TXT file tells the events of each; none if none does."""
    flac = {name[:-5] for name in tree.files if name.endswith(".flac")}
    text = {name[:-4] for name in tree.files if name.endswith(".txt")}
    pairs = flac & text
    # One half of a pair counts where it has the official name: it may as well be somebody's notes or music.
    halves = {stem for stem in flac ^ text if _base(stem).startswith("soundscape")}
    return {f"{stem}.flac": stem in text for stem in sorted(pairs | halves)} if pairs else {}


def _labelled(tree: Tree, mixtures: Mapping[str, bool]) -> dict[str, list[str]]:
    """The events of each mixture."""
    events = {file: _events(tree.path(f"{file[:-5]}.txt")) if told else [] for file, told in mixtures.items()}
    without = [file for file, labels in events.items() if not labels]
    if without:
        warn(f"{tree.place}: mixtures without a TXT file that tells events: {len(without)} ({some(without)})")
    return events


def _events(where: str) -> list[str]:
    """The events that a TXT file tells, each once: a line each, of onset, offset and label."""
    labels = []
    for number, line in enumerate(read_lines(where), 1):
        times, _, label = line.rpartition("\t")
        name = _class(label)
        if name is None or not _are_times(times.split("\t")):
            raise TaskError(
                f"{where}: line {number} is {line!r}; expected onset, offset and one of the 51 labels, "
                "with tabs between; try getting the file again"
            )
        labels.append(name)
    return list(dict.fromkeys(labels))


def _are_times(fields: Sequence[str]) -> bool:
    try:
        return len([float(field) for field in fields]) == 2
    except ValueError:
        return False


def _entries(tree: Tree) -> list[str]:
    return sorted({*tree.top, *(name for name in tree.files if "/" not in name)})


def _tell_strangers(tree: Tree, taken: Set[str]) -> None:
    """Tell of sound in folders of no class and no subset, such as the noises'."""
    folders: defaultdict[str, int] = defaultdict(int)
    for file in tree.audio:
        if file not in taken:
            folders[file.rpartition("/")[0] or "its top"] += 1
    if folders:
        n, listed = sum(folders.values()), some([f"{folder}: {count}" for folder, count in folders.items()])
        warn(f"{tree.place}: left out {n} sounds in folders of no class or subset ({listed})")


def _tell_training_sets(tree: Tree, subsets: Set[str]) -> None:
    """Tell where a small training set lies beside another, for the sets of 5k to 50k may be parts of it."""
    training = sorted(folder for folder in subsets if _part(folder) == "train")
    if len(training) > 1 and any(re.fullmatch(r"train_\d+k", folder) for folder in training):
        warn(
            f"{tree.place}: the training sets {', '.join(training)} are all read, and may repeat mixtures of "
            "one another; try moving away those not wanted"
        )
