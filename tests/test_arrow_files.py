"""Sound within Arrow files, read by row."""

import os
import struct
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from otoscope import audio
from otoscope.arrow_files import fetch, rows, url
from otoscope.urls import fetch as fetch_any

SOUNDS = [bytes([row]) * (row + 1) for row in range(10)]


@pytest.fixture
def stored(tmp_path):
    """Ten rows in four record batches, as `datasets` writes them; row 7 has a path and no bytes."""
    path = tmp_path / "in a folder:: of its own" / "data.arrow"
    path.parent.mkdir()
    write(
        path,
        [{"bytes": None if row == 7 else sound, "path": f"{row}.wav"} for row, sound in enumerate(SOUNDS)],
    )
    return path


def write(path, cells, column="my/audio"):
    table = pa.table({column: pa.array(cells), "label": list(range(len(cells)))})
    with path.open("wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def test_every_row_gives_its_bytes(stored):
    assert rows(stored) == 10
    for row in (9, 0, 3, 2, 8, 1):
        assert fetch(url(stored, "my/audio", row)) == SOUNDS[row]
        assert fetch_any(url(stored, "my/audio", row)) == SOUNDS[row]


def test_its_hash_is_that_of_its_bytes(stored, tmp_path):
    (tmp_path / "same").write_bytes(SOUNDS[5])
    assert audio.content_hash(url(stored, "my/audio", 5)) == audio.content_hash(tmp_path / "same")


def test_many_threads_at_once(stored):
    wanted = [row for row in range(10) if row != 7] * 50
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda row: fetch(url(stored, "my/audio", row)), wanted))
    assert found == [SOUNDS[row] for row in wanted]


def test_a_file_that_is_written_anew_is_read_anew(stored):
    fetch(url(stored, "my/audio", 0))
    other = stored.with_name("other")
    write(other, [{"bytes": b"new", "path": None}])
    os.utime(other, ns=(1, 1))
    other.replace(stored)
    assert fetch(url(stored, "my/audio", 0)) == b"new"
    assert rows(stored) == 1


@pytest.mark.parametrize(
    ("column", "row", "message"),
    [
        ("my/audio", 10, "the file has 10 rows, counted from 0, and no row 10"),
        ("audio", 0, "the file has no column 'audio'; it has my/audio, label"),
        ("my/audio", 7, "the row holds no sound; expected a field `bytes`"),
        ("label", 0, "the row holds no sound"),
    ],
)
def test_what_is_not_there_is_told_as_an_audio_error(stored, column, row, message):
    with pytest.raises(audio.AudioError, match=message):
        audio.read(url(stored, column, row), 16000)


def test_a_file_that_is_gone(stored):
    stored.unlink()
    with pytest.raises(audio.AudioError, match="does not exist"):
        audio.read(url(stored, "my/audio", 0), 16000)


@pytest.mark.parametrize(
    "wrong", ["arrow://audio", "arrow://audio/1", "arrow://audio/-1::x", "arrow://audio/b::x"]
)
def test_a_url_that_is_none(wrong):
    with pytest.raises(OSError, match=r"is no URL of a sound in an Arrow file, arrow://COLUMN/ROW::FILE"):
        fetch(wrong)


@pytest.mark.parametrize("keep", [0, 5, 200, -300])
def test_a_damaged_file(stored, keep):
    stored.write_bytes(stored.read_bytes()[:keep])
    with pytest.raises(OSError, match="no Arrow stream, or a damaged one"):
        fetch(url(stored, "my/audio", 0))


def test_offsets_that_lead_out_of_the_file(stored):
    """Unchecked, they end the process."""
    damaged = stored.read_bytes().replace(
        struct.pack("<4i", 0, 1, 3, 6), struct.pack("<4i", 0, 1, 3, 1 << 30)
    )
    assert damaged != stored.read_bytes()
    stored.write_bytes(damaged)
    with pytest.raises(OSError, match="no Arrow stream, or a damaged one"):
        fetch(url(stored, "my/audio", 0))


def test_a_file_of_something_else(stored):
    stored.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(OSError, match="no Arrow stream, or a damaged one"):
        rows(stored)
