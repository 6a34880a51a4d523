"""What a disk or a network that is away for a moment does to a recording: it waits, and skips no clip."""

import errno
import os
from pathlib import Path

import pytest
from toy_audio_model import FRAME, ToyModel

from otoscope import audio
from otoscope.activations import patience, plan, record
from otoscope.activations.layout import Layout
from otoscope.activations.patience import patiently
from otoscope.errors import OtoscopeError


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(patience, "_PAUSES_S", (0.01, 0.02, 0.03))
    monkeypatch.setattr(plan, "SHARD", 2)


def failing(times, error):
    """A function that raises an error so many times, and then gives 7."""
    left = iter(range(times))

    def work():
        if next(left, None) is not None:
            raise error
        return 7

    return work


@pytest.mark.parametrize("times", [0, 1, 3])
def test_what_fails_for_a_moment_is_done_in_the_end(times):
    again = []
    assert patiently(failing(times, OSError(errno.EIO, "Input/output error")), lambda: again.append(1)) == 7
    assert len(again) == times


def test_what_fails_for_ever_is_told():
    with pytest.raises(OSError, match="Stale"):
        patiently(failing(9, OSError(errno.ESTALE, "Stale file handle")))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_does_not_pass_is_told_at_once(number):
    work = failing(1, OSError(number, "no"))
    with pytest.raises(OSError, match="no"):
        patiently(work)
    assert work() == 7


def stumbling(monkeypatch, times, number=errno.EIO, name="0003.wav"):
    """Let a file fail to open, once its header has been read, so many times."""
    opened, left = Path.open, iter(range(times))
    seen = []

    def stumble(self, *arguments, **options):
        if self.name == name:
            seen.append(self)
            if len(seen) > 1 and next(left, None) is not None:
                raise OSError(number, os.strerror(number))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", stumble)


@pytest.mark.parametrize("on_bad_audio", ["stop", "skip"])
def test_a_share_that_drops_while_a_clip_is_read_costs_a_pause(
    write_clips, tmp_path, monkeypatch, on_bad_audio
):
    task = write_clips([10 * FRAME] * 6)
    stumbling(monkeypatch, times=3)
    store = record(ToyModel(), task, tmp_path / "x.zarr", on_bad_audio=on_bad_audio)
    assert store.tokens.tolist() == [10] * 6
    assert (store.clips["problem"] == "").all()


def test_a_share_that_stays_away_skips_no_clip(write_clips, tmp_path, monkeypatch):
    task = write_clips([10 * FRAME] * 6)
    with monkeypatch.context() as away:
        stumbling(away, times=99)
        with pytest.raises(
            OtoscopeError, match=r"0003.wav: cannot be read: .*disk or a network that is there"
        ):
            record(ToyModel(), task, tmp_path / "x.zarr", on_bad_audio="skip")
    assert record(ToyModel(), task, tmp_path / "x.zarr").tokens.tolist() == [10] * 6


def test_files_that_vanish_with_their_folder_are_not_taken_for_bad_clips(write_clips, tmp_path, monkeypatch):
    task = write_clips([10 * FRAME] * 4)
    layout = Layout(tmp_path / "x.zarr")
    create = Layout.create

    def unmounted(self, made):
        create(self, made)
        (tmp_path / "sounds").rename(tmp_path / "elsewhere")

    with monkeypatch.context() as away:
        away.setattr(Layout, "create", unmounted)
        with pytest.raises(audio.UnreachableError, match="its whole folder"):
            record(ToyModel(), task, layout.path, on_bad_audio="skip")
    (tmp_path / "elsewhere").rename(tmp_path / "sounds")
    assert record(ToyModel(), task, layout.path).tokens.tolist() == [10] * 4


def test_a_disk_that_fails_while_a_shard_is_written_costs_a_pause(write_clips, tmp_path, monkeypatch):
    task = write_clips([10 * FRAME] * 6)
    write, left = Layout.write, iter(range(2))

    def fail(self, made, shard, block):
        if shard == 1 and next(left, None) is not None:
            block.clear()
            raise OSError(errno.EIO, "Input/output error")
        return write(self, made, shard, block)

    whole = record(ToyModel(), task, tmp_path / "whole.zarr", threads=1)
    monkeypatch.setattr(Layout, "write", fail)
    store = record(ToyModel(), task, tmp_path / "x.zarr", threads=1)
    assert (store.counts(slice(0, 48)) == whole.counts(slice(0, 48))).all()


def test_a_header_that_cannot_be_reached_stops_before_anything_is_recorded(
    write_clips, tmp_path, monkeypatch
):
    task = write_clips([10 * FRAME] * 4)

    def away(*_):
        raise audio.UnreachableError("x.wav", "cannot be read", "try again")

    monkeypatch.setattr(audio, "header", away)
    with pytest.raises(audio.UnreachableError):
        record(ToyModel(), task, tmp_path / "x.zarr", on_bad_audio="skip")
    assert not (tmp_path / "x.zarr").exists()
