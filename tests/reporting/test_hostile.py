"""The worst names that a task can have, through the report: they stay text, whatever reads the folder."""

import re
import shutil
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

import otoscope

VOID = {"meta", "link", "img", "input", "br", "hr", "source", "wbr", "col"}


class Read(HTMLParser):
    """What a browser would make of a page: elements with attributes, text, and what is left open."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["script"]:
            self.text += data

    def values(self, *names):
        return [attrs[name] for _, attrs in self.elements for name in names if attrs.get(name)]


@pytest.fixture(scope="module")
def folder(bad, tmp_path_factory):
    """A report on the hostile task, where a third of the clips has moved since the recording."""
    place = tmp_path_factory.mktemp("hostile")
    task = bad.task(place / "clips", clips=3)
    store = otoscope.record(otoscope.load_model("mini:ssl"), task, place / "store.zarr")
    selection = otoscope.select(store, bad.SCRIPT, preset="aape", permutations=10)
    selection.save(store.results / selection.folder)
    shared = otoscope.sharing_test(store, bad.SCRIPT, permutations=10)
    shared.save(store.results / "share-labels")
    (place / "elsewhere").mkdir()
    for clip in sorted((place / "clips").glob("*-2.wav")):
        shutil.move(clip, place / "elsewhere")
    return otoscope.report([store], place / "report", neurons=8).parent


@pytest.fixture(scope="module")
def pages(folder):
    found = {path: Read(path) for path in folder.rglob("*.html")}
    assert len(found) == 8 + 8
    return found


def test_no_element_and_no_attribute_came_from_a_name(pages):
    for path, page in pages.items():
        assert page.open == [], path.name
        for tag, attrs in page.elements:
            assert not [name for name in attrs if name.startswith("on")], (path.name, attrs)
            if tag == "script":
                assert attrs.get("src") or attrs.get("type") == "application/json", (path.name, attrs)
            if tag in ("img", "audio"):
                assert re.fullmatch(r"(\.\./\.\./)?(figures|mel|audio)/[\w.-]+", attrs["src"]), attrs


def test_every_label_and_a_clip_s_name_are_there_as_text(bad, pages):
    text = "".join(page.text for page in pages.values())
    for label in bad.LABELS:
        assert label in text
    assert bad.IMAGE in text


def test_data_hold_no_markup(bad, folder):
    scripts = list((folder / "data").glob("*.js"))
    assert scripts
    for path in scripts:
        assert not set("<>&\u2028\u2029") & set(path.read_text(encoding="utf-8")), path.name
    for path in folder.rglob("*.html"):
        for inside in re.findall(
            r'<script type="application/json"[^>]*>(.*?)</script>', path.read_text(encoding="utf-8"), re.S
        ):
            assert "<" not in inside
    for path in (folder / "figures").glob("*.svg"):
        assert bad.SCRIPT not in path.read_text(encoding="utf-8")


def test_files_have_names_that_every_system_takes(folder):
    for path in folder.rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*|\.otoscope[\w.-]*", path.name), path.name
        assert len(path.name) <= 120
    names = [str(path.relative_to(folder)).lower() for path in folder.rglob("*")]
    assert len(set(names)) == len(names)


def test_every_link_and_every_anchor_leads_somewhere_in_the_folder(folder, pages):
    for path, page in pages.items():
        for link in page.values("src", "srcset", "href"):
            if link == "data:," or link.startswith("https://arxiv.org/"):
                continue
            place, _, anchor = link.partition("#")
            target = (path.parent / unquote(place)).resolve() if place else path
            assert target.is_file(), (path.name, link)
            assert folder.resolve() in target.parents
            if anchor and "=" not in anchor:  # with it, a state that the page's script reads
                assert anchor in pages[target].values("id"), (path.name, link)


def test_clips_that_have_moved_are_named_without_the_way_to_them(folder, pages):
    text = "".join(page.text for path, page in pages.items() if path.parent.parent.name == "neurons")
    assert re.search(r"Cannot be heard: \d-2\.wav: does not exist", text)
    assert str(folder.parent / "clips") not in text
