"""Speech Commands, version 1 and version 2: single spoken words."""

import re
from typing import ClassVar

import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import read_lines
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["ADDED", "WORDS", "SpeechCommands1", "SpeechCommands2"]

WORDS = (
    *("bed", "bird", "cat", "dog", "down", "eight", "five", "four", "go", "happy", "house", "left"),
    *("marvin", "nine", "no", "off", "on", "one", "right", "seven", "sheila", "six", "stop", "three"),
    *("tree", "two", "up", "wow", "yes", "zero"),
)
"""The words of version 1."""

ADDED = ("backward", "follow", "forward", "learn", "visual")
"""The words that version 2 adds."""

_VALID, _TEST = "validation_list.txt", "testing_list.txt"
_NOISE = "_background_noise_/"
_CLIP = re.compile(r"([^/]+)/([^/]+)_nohash_[^/]+\.wav")


class _SpeechCommands(Reader):
    """What the two versions share.

    Attributes:
        version: as the official archives and torchaudio's folders write it.
        words: the classes of the version.
    """

    version: ClassVar[str]
    words: ClassVar[tuple[str, ...]]

    needs = f"the word folders, {_VALID} and {_TEST}"
    splits = "train, valid and test (two lists; train is what neither names)"
    evar_seconds = 1.0
    citation = (
        "P. Warden. Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition. "
        "arXiv:1804.03209, 2018."
    )
    licence = "CC BY 4.0, as it is usually stated"

    def load(self, request: Request) -> Task:
        """Read one version from its official folder."""
        folder = f"speech_commands_v{self.version}"
        tree = self.find(request.place, _VALID, f"{folder}/{_VALID}")
        if _VALID not in tree:
            tree = tree.below(folder)
        listed = _listed(tree)
        # What the tree left out counts too: the path of a link that leads out of the folder is refused.
        there = [name for name in (*tree.audio, *tree.left_out) if not name.startswith(_NOISE)]
        self._need_version(request.place, {name.partition("/")[0] for name in (*there, *listed)})
        names = sorted({*filter(self._is_clip, there), *listed})
        strangers = sorted({*tree.audio}.intersection(there).difference(names))
        if strangers:
            warn(
                f"{tree.place}: left out {len(strangers)} audio files that are no clips of the words of "
                f"version {self.version}: {some(strangers)}"
            )
        if not any(name in tree for name in names):
            raise self.refuse(request.place, "holds no clip of the words")
        clips = pd.DataFrame(
            {
                "clip": names,
                "path": [tree.path(name) for name in names],
                "word": [name.partition("/")[0] for name in names],
                "speaker": [name.partition("/")[2].partition("_nohash_")[0] for name in names],
                "split": [listed.get(name, "train") for name in names],
            }
        )
        _tell_shared(tree, clips)
        clips["repeated_speaker"] = _repeated(tree, clips["speaker"])
        return Task(
            self.prefixes[0],
            clips,
            (
                Labeling.of(clips, "word", group="speaker", split="split"),
                Labeling.of(clips, "repeated_speaker", "speaker"),
            ),
        )

    def _is_clip(self, name: str) -> bool:
        return bool(_CLIP.fullmatch(name)) and name.partition("/")[0] in self.words

    def _need_version(self, place: str, found: set[str]) -> None:
        """Refuse the other version: the words decide."""
        words = found & {*WORDS, *ADDED}
        newer = sorted(words.intersection(ADDED))
        if self.version == "0.01" and newer:
            raise TaskError(
                f"{place}: has the words {some(newer)}, which version 1 lacks; expected version 1; "
                f"try speechcommands2:{place}"
            )
        if self.version == "0.02" and words == set(WORDS):
            raise TaskError(
                f"{place}: has the 30 words of version 1 and none of {', '.join(ADDED)}; "
                f"expected version 2; try speechcommands1:{place}"
            )


class SpeechCommands1(_SpeechCommands):
    """64,721 clips of up to 1 s, each one of 30 words.

    "word" has the words in alphabetical order. Its groups are the speakers, its split is the official one:
    what neither `validation_list.txt` nor `testing_list.txt` names is "train". A warning counts speakers
    whose clips lie in more than one part of it. "speaker" is who says the word, by the id before `_nohash_`
    in the file's name; it has no split, and speakers of a single clip are no class of it.

    The noises in `_background_noise_` are no clips. Files in other folders, or named otherwise, are left out
    with a warning. A clip that a list names and the disk lacks stays, so that `otoscope tasks check` names
    it. The archives `speech_commands_test_set_*`, with `_silence_` and `_unknown_`, belong to another task,
    of 12 classes, which is not read here.
    """

    name = "speechcommands1:DIR"
    also = ("spcv1",)
    about = "Speech Commands v1: spoken words, 30 classes, and who says them"
    layout = (
        "bed/00176480_nohash_0.wav ...\nbird/...\n...\n_background_noise_/...\n"
        "validation_list.txt\ntesting_list.txt"
    )
    labelings = {"word": 30, "speaker": 0}
    clips = 64721
    obtain = (
        "get it from http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz "
        "(the archives of a test set alone, with _silence_ and _unknown_, are another task, of 12 classes)"
    )
    version = "0.01"
    words = WORDS


class SpeechCommands2(_SpeechCommands):
    """105,829 clips of up to 1 s, each one of 35 words.

    Labelings, groups, split and what is left out are as in version 1; see `speechcommands1`. The words that
    version 1 lacks are backward, follow, forward, learn and visual.
    """

    name = "speechcommands2:DIR"
    also = ("spcv2",)
    about = "Speech Commands v2: spoken words, 35 classes, and who says them"
    layout = (
        "backward/0165e0e8_nohash_0.wav ...\nbed/...\n...\n_background_noise_/...\n"
        "validation_list.txt\ntesting_list.txt"
    )
    labelings = {"word": 35, "speaker": 0}
    clips = 105829
    obtain = (
        "get it from http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz "
        "(the archives of a test set alone, with _silence_ and _unknown_, are another task, of 12 classes)"
    )
    version = "0.02"
    words = tuple(sorted((*WORDS, *ADDED)))


def _listed(tree: Tree) -> dict[str, str]:
    """The split of each clip that a list names."""
    splits: dict[str, str] = {}
    for name, split in ((_VALID, "valid"), (_TEST, "test")):
        where = tree.path(name)
        lines = read_lines(where)
        if not lines:
            raise TaskError(f"{where}: names no clips; expected one a line; try getting the list again")
        for line in lines:
            if not _CLIP.fullmatch(line) or line.partition("/")[0] not in {*WORDS, *ADDED}:
                raise TaskError(
                    f"{where}: the line {line!r} names no clip; expected an official word, such as in "
                    "bed/00176480_nohash_0.wav; try getting the list again"
                )
            if splits.setdefault(line, split) != split:
                raise TaskError(f"{where}: names {line}, as {_VALID} does; try getting the lists again")
    return splits


def _tell_shared(tree: Tree, clips: pd.DataFrame) -> None:
    parts = clips.groupby("speaker")["split"].nunique()
    shared = list(parts.index[parts > 1])
    if shared:
        warn(
            f"{tree.place}: {len(shared)} speakers have clips in more than one part of the split "
            f"({some(shared)}); the official split is kept"
        )


def _repeated(tree: Tree, speaker: "pd.Series[str]") -> "pd.Series[str]":
    """The speaker of each clip, where there is another clip of the same."""
    repeated = speaker.where(speaker.duplicated(keep=False))
    alone = speaker[repeated.isna()]
    if len(alone):
        warn(f"{tree.place}: {len(alone)} speakers of one clip are no class of 'speaker': {some(alone)}")
    return repeated
