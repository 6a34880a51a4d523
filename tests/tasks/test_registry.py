"""From what a user writes to a reader."""

import pytest

from otoscope.errors import UsageError
from otoscope.tasks import available, load_task
from otoscope.tasks.registry import readers


@pytest.mark.parametrize("spec", ["sounds", "folder:", "urbansound:x", ":x", ""])
def test_an_unknown_task_is_answered_with_those_there(spec):
    with pytest.raises(UsageError, match=r"no task is called .*; expected one of folder:DIR, .*") as caught:
        load_task(spec)
    assert all(reader.name in str(caught.value) for reader in available())


def test_every_reader_says_how_to_name_it_and_what_it_needs():
    for reader in available():
        assert reader.name.startswith(f"{reader.prefixes[0]}:")
        assert 0 < len(reader.about) <= 75, reader.name
        assert reader.needs


def test_a_reader_with_several_names_is_listed_once():
    listed = [reader.name for reader in available()]
    assert len(listed) == len(set(listed))
    assert all(readers()[prefix] is reader for reader in available() for prefix in reader.prefixes)


def test_an_unknown_labeling(sounds):
    with pytest.raises(UsageError, match="no labeling 'mood'; it has: class"):
        load_task(f"folder:{sounds}", labels=["mood"])
