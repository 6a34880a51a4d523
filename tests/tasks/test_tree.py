"""Tree in hostile places: nothing outside is opened, nothing is lost, every message is one line."""

import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

from otoscope.tasks import TaskError, load_task
from otoscope.tasks.cells import some
from otoscope.tasks.tree import Tree

OUT = "a link that leads out of the folder"
CIRCLE = "a link in a circle"


@pytest.fixture
def root(tmp_path):
    """A folder with one file in it, beside a file and a folder that are none of its business."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.wav").write_bytes(b"secret")
    root = tmp_path / "root"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "a.wav").write_bytes(b"sound")
    return root


class TestFiles:
    def test_files_and_folders_are_sorted_the_empty_ones_too(self, root):
        (root / "b.txt").write_text("text")
        (root / "empty" / "emptier").mkdir(parents=True)
        tree = Tree.at(root)
        assert tree.files == ("b.txt", "deep/a.wav")
        assert tree.folders == ("deep", "empty", "empty/emptier")
        assert tree.top == ("deep", "empty")
        assert tree.audio == ["deep/a.wav"]
        assert (tree.inside("deep"), tree.inside("dee")) == (["deep/a.wav"], [])
        assert dict(tree.left_out) == {}

    def test_hidden_entries_do_not_count(self, root):
        for name in (".DS_Store", "deep/._a.wav", ".git/a.wav", "__MACOSX/a.wav", "deep/.a/b.wav"):
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_bytes(b"x")
        assert Tree.at(root).files == ("deep/a.wav",)
        assert Tree.at(root).folders == ("deep",)

    @pytest.mark.parametrize(
        "name",
        ["a b.wav", 'it\'s "quoted".wav', "日本語.wav", "new\nline.wav", "50%.wav", "a::b.wav", "zip:", "#1"],
    )
    def test_names_as_people_write_them(self, root, name):
        (root / name).write_bytes(b"x")
        tree = Tree.at(root)
        assert name in tree
        assert Path(tree.path(name)).read_bytes() == b"x"

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
    def test_names_that_are_not_utf8_are_left_out(self, root):
        (root / "deep" / os.fsdecode(b"\xff.wav")).write_bytes(b"x")
        tree = Tree.at(root)
        assert tree.files == ("deep/a.wav",)
        assert list(tree.left_out.values()) == ["has a name that is not UTF-8"]

    def test_empty_files_and_archives_are_files(self, root):
        (root / "empty.wav").write_bytes(b"")
        (root / "more.zip").write_bytes(b"PK")
        assert Tree.at(root).files == ("deep/a.wav", "empty.wav", "more.zip")

    @pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no such entries")
    def test_what_is_neither_file_nor_folder_is_left_out(self, root):
        os.mkfifo(root / "pipe.wav")
        assert Tree.at(root).left_out == {"pipe.wav": "neither a file nor a folder"}

    def test_a_folder_that_cannot_be_read_is_left_out(self, root, monkeypatch):
        (root / "closed").mkdir()
        scandir = os.scandir

        def guarded(path):
            if str(path).endswith("closed"):
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        monkeypatch.setattr(os, "scandir", guarded)
        tree = Tree.at(root)
        assert tree.files == ("deep/a.wav",)
        assert tree.left_out == {"closed": "cannot be read: Permission denied"}
        with pytest.raises(
            TaskError, match=r"closed: cannot be read: Permission denied; expected a folder; try"
        ):
            Tree.at(root / "closed")


class TestLinks:
    def test_links_that_lead_out_are_left_out_and_not_opened(self, root, tmp_path):
        (root / "file.wav").symlink_to(tmp_path / "outside" / "secret.wav")
        (root / "folder").symlink_to(tmp_path / "outside")
        (root / "rootlike").symlink_to(tmp_path)
        tree = Tree.at(root)
        assert tree.files == ("deep/a.wav",)
        assert tree.left_out == dict.fromkeys(("file.wav", "folder", "rootlike"), OUT)
        with pytest.raises(TaskError, match=rf"root: 'file\.wav' is {OUT}; expected a file within"):
            tree.path("file.wav")
        with pytest.raises(TaskError, match=rf"'folder/secret\.wav' lies behind {OUT} \(folder\)"):
            tree.path("folder/secret.wav")
        with pytest.raises(TaskError, match=OUT):
            tree.path("./folder/secret.wav")

    def test_a_neighbour_whose_name_begins_alike_is_outside(self, root, tmp_path):
        (tmp_path / "root2").mkdir()
        (tmp_path / "root2" / "a.wav").write_bytes(b"x")
        (root / "link").symlink_to(tmp_path / "root2")
        assert Tree.at(root).left_out == {"link": OUT}

    def test_hidden_ones_do_not_lead_out_either(self, root, tmp_path):
        (root / ".link").symlink_to(tmp_path / "outside")
        tree = Tree.at(root)
        assert tree.left_out == {}
        with pytest.raises(TaskError, match=OUT):
            tree.path(".link/secret.wav")

    def test_links_within_are_followed(self, root):
        (root / "alias.wav").symlink_to("deep/a.wav")
        (root / "again").symlink_to("deep")
        tree = Tree.at(root)
        assert tree.files == ("again/a.wav", "alias.wav", "deep/a.wav")
        assert tree.left_out == {}

    def test_a_root_that_is_a_link_itself(self, root, tmp_path):
        (tmp_path / "link").symlink_to(root)
        (root / "alias.wav").symlink_to(root / "deep" / "a.wav")
        assert Tree.at(tmp_path / "link").files == ("alias.wav", "deep/a.wav")

    def test_circles(self, root):
        (root / "deep" / "up").symlink_to(root)
        (root / "deep" / "here").symlink_to(".")
        (root / "self").symlink_to("self")
        tree = Tree.at(root)
        assert tree.files == ("deep/a.wav",)
        assert tree.left_out == {"deep/up": CIRCLE, "deep/here": CIRCLE, "self": "a link to nothing"}
        with pytest.raises(TaskError, match=rf"'deep/up/deep/a\.wav' lies behind {CIRCLE} \(deep/up\)"):
            tree.path("deep/up/deep/a.wav")

    def test_folders_that_link_to_each_other_do_not_multiply(self, root):
        names = [f"n{number}" for number in range(12)]
        for name in names:
            (root / name).mkdir()
            (root / name / "b.wav").write_bytes(b"x")
        for name in names:
            for other in names:
                if other != name:
                    (root / name / other).symlink_to(root / other)
        tree = Tree.at(root)
        assert len(tree.files) == 1 + 12 * 12
        assert set(tree.left_out.values()) == {"a link to a folder, behind another", CIRCLE}

    def test_links_to_nothing(self, root, tmp_path):
        (root / "gone.wav").symlink_to("nowhere.wav")
        (root / "far.wav").symlink_to(tmp_path / "nowhere.wav")
        assert Tree.at(root).left_out == dict.fromkeys(("gone.wav", "far.wav"), "a link to nothing")

    def test_what_is_left_out_of_a_part(self, root, tmp_path):
        (root / "deep" / "link").symlink_to(tmp_path / "outside")
        part = Tree.at(root).below("deep")
        assert (part.files, part.left_out) == (("a.wav",), {"link": OUT})
        assert part.path("a.wav") == str(root / "deep" / "a.wav")
        with pytest.raises(TaskError, match=OUT):
            part.path("link/secret.wav")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../outside/secret.wav", "leads out"),
        ("/etc/passwd", "leads out"),
        ("deep/../../outside/secret.wav", "leads out"),
        ("..\\outside\\secret.wav", "leads out"),
        ("a\0.wav", "has a NUL in its name"),
        ("\udcff.wav", "has a name that is not UTF-8"),
    ],
)
def test_names_of_tables_that_lead_out_are_refused(root, name, message):
    with pytest.raises(TaskError, match=message):
        Tree.at(root).path(name)


def test_a_name_that_is_not_there_is_a_path_all_the_same(root):
    assert Tree.at(root).path("deep/gone.wav") == f"{root}/deep/gone.wav"


class TestArchives:
    @pytest.mark.parametrize("kind", ["zip", "tar", "gztar", "bztar", "xztar"])
    def test_an_archive_is_as_its_folder(self, root, tmp_path, kind):
        (root / "deep" / "._a.wav").write_bytes(b"stub")
        (root / "__MACOSX").mkdir()
        (root / "__MACOSX" / "a.wav").write_bytes(b"stub")
        archive = shutil.make_archive(str(tmp_path / "packed"), kind, root)
        tree = Tree.at(archive)
        assert tree.files == Tree.at(root).files == ("deep/a.wav",)
        assert tree.folders == ("deep",)
        assert tree.name == "packed"
        assert tree.path("deep/a.wav") == f"{kind[-3:]}://deep/a.wav::{archive}"

    def test_a_damaged_one(self, tmp_path):
        (tmp_path / "a.zip").write_bytes(b"PK\3\4 and no more")
        with pytest.raises(
            TaskError, match=r"a\.zip: cannot be read: damaged archive: .*; try getting it again"
        ):
            Tree.at(tmp_path / "a.zip")


def test_messages_about_strange_names_are_one_line(tmp_path, wav):
    wav(tmp_path / "set" / "x" / "a.wav")
    (tmp_path / "set" / "x" / "new\nline.txt").write_text("x")
    with pytest.warns(UserWarning, match=r"'x/new\\nline\.txt'$"):
        load_task(f"folder:{tmp_path / 'set'}")
    assert some(["a", "b\n", "\udcff", "日本語"]) == r"a, 'b\n', '\udcff', 日本語"


def test_a_hundred_thousand_entries_need_no_look_at_each(tmp_path, monkeypatch):
    """The kinds of entries come with the list of them: stat is not called a file at a time."""
    for number in range(300):
        (tmp_path / f"{number}.wav").touch()
    looked = []
    monkeypatch.setattr(os, "stat", lambda *a, **k: looked.append(a) or os.lstat(a[0]))
    monkeypatch.setattr(
        os.path, "realpath", lambda path, real=os.path.realpath: (looked.append(path), real(path))[1]
    )
    tree = Tree.at(tmp_path)
    assert len([tree.path(name) for name in tree.files]) == 300
    assert len(looked) < 20
