"""Another package brings a reader: a class, an entry point, and nothing in this package changes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

TOY = """
import pandas as pd

from otoscope.tasks import Labeling, Reader, Task


class Rooms(Reader):
    '''Claps in rooms, a file a clap, named after the room.'''

    name = "rooms:DIR"
    also = ("halls",)
    about = "claps in rooms"
    needs = "claps/ with hall-1.wav and so on"
    layout = "rooms/\\n  claps/hall-1.wav ..."
    labelings = {"room": 2}
    clips = 4
    obtain = "get it from the author"
    citation = "A. Clapper. Rooms. 2026."
    licence = "CC0"

    def load(self, request):
        tree = self.find(request.place, "claps")
        names = tree.inside("claps")
        rooms = [name.removeprefix("claps/").partition("-")[0] for name in names]
        clips = pd.DataFrame({"clip": names, "path": list(map(tree.path, names)), "room": rooms})
        return Task("rooms", clips, (Labeling.of(clips, "room"),))
"""
BROKEN = """


class Nameless(Reader):
    def load(self, request):
        return None


class Loadless(Rooms):
    name = "loadless:DIR"
    also = ()
    load = Reader.load
    __abstractmethods__ = frozenset({"load"})


class Taken(Rooms):
    name = "esc50:DIR"


class TakenToo(Rooms):
    also = ("gtzan",)


def text():
    return "rooms:DIR"
"""
BROKEN_ENTRIES = [
    ("absent", "nowhere:Rooms", "cannot be loaded: No module named 'nowhere'"),
    ("nothing", "toy_reader:Nothing", "cannot be loaded: "),
    ("nameless", "toy_reader:Nameless", "cannot be loaded: "),
    ("loadless", "toy_reader:Loadless", "cannot be loaded: "),
    ("text", "toy_reader:text", "is no Reader but a str"),
    ("taken", "toy_reader:Taken", "has the name 'esc50', which is taken"),
    ("also", "toy_reader:TakenToo", "has the name 'gtzan', which is taken"),
]


@pytest.fixture
def installed(tmp_path):
    """A package as pip leaves it: a module, and metadata with an entry point."""
    site = tmp_path / "site"
    metadata = site / "toy_reader-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "toy_reader.py").write_text(TOY + BROKEN, encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-reader\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[otoscope.tasks]\nrooms = toy_reader:Rooms\n")
    return site


@pytest.fixture
def claps(tmp_path):
    (tmp_path / "rooms" / "claps").mkdir(parents=True)
    for i, room in enumerate(("hall", "hall", "bath", "bath")):
        sound = np.random.default_rng(i).normal(0, 0.3, 16000)
        soundfile.write(tmp_path / "rooms" / "claps" / f"{room}-{i}.wav", sound, 16000)
    return tmp_path / "rooms"


def python(site: Path, code: str) -> subprocess.CompletedProcess:
    code = f"import sys; sys.path.insert(0, {str(site)!r})\n{code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


SHOW = """
import json
from otoscope.tasks import available, check, load_task
names = [reader.name for reader in available()]
tasks = [load_task(spec) for spec in {specs}]
[(check(task), task.read(0, 8000)) for task in tasks]
print(json.dumps([names, [[len(task), task.labelings[0].classes, task.licence] for task in tasks]]))
"""


def test_a_reader_takes_under_forty_lines():
    assert len(TOY.strip().splitlines()) < 40


def test_it_is_listed_last_and_loads_by_all_its_names(installed, claps):
    made = python(installed, SHOW.format(specs=[f"rooms:{claps}", f"halls:{claps.parent}"]))
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    names, tasks = json.loads(made.stdout)
    assert names[-1] == "rooms:DIR"
    assert tasks == [[4, ["bath", "hall"], "CC0"]] * 2


def test_a_wrong_folder_is_refused_with_its_layout(installed, tmp_path):
    made = python(installed, SHOW.format(specs=[f"rooms:{tmp_path / 'site'}"]))
    assert "looked for claps there, in its folders and above it, and found" in made.stderr
    assert "expected the official layout:\n  rooms/\n    claps/hall-1.wav ...\nget it from" in made.stderr


def test_broken_packages_are_named_and_the_others_go_on(installed):
    metadata = next(installed.glob("*.dist-info")) / "entry_points.txt"
    entries = [f"{name} = {value}\n" for name, value, _ in BROKEN_ENTRIES]
    metadata.write_text("[otoscope.tasks]\n" + "".join(entries))
    made = python(installed, SHOW.format(specs=["mini:voices"]).replace("[(check", "#"))
    assert made.returncode == 0, made.stderr
    for name, value, message in BROKEN_ENTRIES:
        assert f"the task reader {name!r} ({value}) of an installed package {message}" in made.stderr
    assert made.stderr.count("it is left out; try updating or removing the package") == len(BROKEN_ENTRIES)
    names, _ = json.loads(made.stdout)
    assert not {"rooms:DIR", "loadless:DIR"} & set(names)
    assert names.count("esc50:DIR") == 1
