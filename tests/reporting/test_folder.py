"""The folder of a report: replaced as a whole or not at all, and nothing of anybody else's lost."""

import pytest

from otoscope.errors import UsageError
from otoscope.reporting.folder import MARKER, replaced


def write(out, name="index.html", text="new"):
    with replaced(out, {}) as folder:
        (folder / name).write_text(text)


def test_a_new_folder_appears_with_its_marker(tmp_path):
    write(tmp_path / "deep" / "report")
    assert sorted(path.name for path in (tmp_path / "deep" / "report").iterdir()) == ["index.html", MARKER]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "report").mkdir()
    write(tmp_path / "report")
    assert (tmp_path / "report" / "index.html").exists()


def test_a_folder_that_is_something_else_is_refused_before_any_work(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="is no report of otoscope"), replaced(tmp_path, {}):
        pytest.fail("the work began")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_file_is_refused(tmp_path):
    (tmp_path / "report").write_text("a file")
    with pytest.raises(UsageError, match="is a file or a link"):
        write(tmp_path / "report")


def test_a_link_is_refused(tmp_path):
    write(tmp_path / "report")
    (tmp_path / "link").symlink_to(tmp_path / "report")
    with pytest.raises(UsageError, match="is a file or a link"):
        write(tmp_path / "link")


def test_a_file_that_somebody_put_into_a_report_is_kept_by_refusing(tmp_path):
    write(tmp_path / "report")
    (tmp_path / "report" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds 'notes\.txt', which the report there did not write"):
        write(tmp_path / "report")
    assert (tmp_path / "report" / "notes.txt").read_text() == "mine"


def test_a_failure_leaves_the_earlier_report_and_no_scraps(tmp_path):
    write(tmp_path / "report", text="old")
    with pytest.raises(TypeError):
        write(tmp_path / "report", text=None)
    assert (tmp_path / "report" / "index.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
