"""audio: formats, rates, channels, lengths; and every kind of file that is not the sound it should be."""

import hashlib
import pickle
import struct
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from otoscope import audio
from otoscope.audio import AudioError, Header
from otoscope.errors import UsageError


def tone(hertz, seconds=0.5, rate=16000, channels=1):
    """A tone; each channel is a little softer than the one before."""
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.stack([wave / (1 + channel) for channel in range(channels)], axis=1)


def loudest(samples, rate):
    """Hertz of the strongest component."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * rate / len(samples)


FORMATS = {
    "u8.wav": {"subtype": "PCM_U8"},
    "16.wav": {"subtype": "PCM_16"},
    "24.wav": {"subtype": "PCM_24"},
    "32.wav": {"subtype": "PCM_32"},
    "float.wav": {"subtype": "FLOAT"},
    "double.wav": {"subtype": "DOUBLE"},
    "extensible.wav": {"format": "WAVEX", "subtype": "PCM_24"},
    "a.flac": {"subtype": "PCM_24"},
    "a.ogg": {"subtype": "VORBIS"},
    "a.opus": {"format": "OGG", "subtype": "OPUS"},
    "a.mp3": {"subtype": "MPEG_LAYER_III"},
    "a.aif": {"format": "AIFF", "subtype": "PCM_16"},
}


class TestRead:
    @pytest.mark.parametrize("name", FORMATS)
    def test_every_format_gives_the_tone_back(self, tmp_path, name):
        soundfile.write(tmp_path / name, tone(440), 16000, **FORMATS[name])
        waveform = audio.read(tmp_path / name, 16000)
        assert waveform.samples.dtype == np.float32
        assert waveform.real == len(waveform.samples) == 8000
        assert abs(loudest(waveform.samples, 16000) - 440) < 4
        assert abs(np.sqrt(np.mean(waveform.samples**2)) - 0.5 / np.sqrt(2)) < 0.03

    @pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 48000])
    @pytest.mark.parametrize("wanted", [16000, 32000])
    def test_resampling_keeps_a_tone_and_its_length(self, tmp_path, rate, wanted):
        audio.write(tmp_path / "a.wav", tone(1000, rate=rate), rate)
        waveform = audio.read(tmp_path / "a.wav", wanted)
        assert abs(len(waveform.samples) - wanted / 2) <= 1
        assert abs(loudest(waveform.samples, wanted) - 1000) < 4
        middle = waveform.samples[len(waveform.samples) // 4 : -len(waveform.samples) // 4]
        assert abs(np.sqrt(np.mean(middle**2)) - 0.5 / np.sqrt(2)) < 2e-3

    def test_resampling_removes_what_the_lower_rate_cannot_hold(self, tmp_path):
        audio.write(tmp_path / "a.wav", tone(12000, rate=48000), 48000)
        middle = audio.read(tmp_path / "a.wav", 16000).samples[2000:6000]
        assert np.abs(middle).max() < 1e-3

    @pytest.mark.parametrize("channels", range(1, 7))
    def test_channels_are_averaged(self, tmp_path, channels):
        sound = tone(440, channels=channels)
        soundfile.write(tmp_path / "a.wav", sound, 16000, subtype="FLOAT")
        np.testing.assert_allclose(
            audio.read(tmp_path / "a.wav", 16000).samples, sound.mean(axis=1), atol=1e-6
        )

    def test_a_file_longer_than_one_block_is_read_whole(self, tmp_path):
        sound = np.random.default_rng(0).uniform(-1, 1, audio._BLOCK * 2 + 17).astype(np.float32)
        soundfile.write(tmp_path / "a.wav", sound, 16000, subtype="FLOAT")
        np.testing.assert_array_equal(audio.read(tmp_path / "a.wav", 16000).samples, sound)

    @pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
    def test_a_part_equals_that_part_of_the_whole(self, tmp_path, name):
        soundfile.write(tmp_path / name, tone(440, seconds=1), 16000)
        whole = audio.read(tmp_path / name, 16000).samples
        part = audio.read(tmp_path / name, 16000, start=0.25, stop=0.75).samples
        np.testing.assert_array_equal(part, whole[4000:12000])

    def test_start_alone_reads_to_the_end(self, tmp_path):
        audio.write(tmp_path / "a.wav", tone(440), 16000)
        assert len(audio.read(tmp_path / "a.wav", 16000, start=0.4).samples) == 1600

    def test_a_stop_that_a_table_rounded_up_is_the_end(self, tmp_path):
        audio.write(tmp_path / "a.wav", tone(440), 16000)
        assert len(audio.read(tmp_path / "a.wav", 16000, start=0.25, stop=0.51).samples) == 4000

    @pytest.mark.parametrize("seconds", [0.1, 0.5, 0.3333, 2])
    def test_seconds_gives_exactly_that_length(self, tmp_path, seconds):
        audio.write(tmp_path / "a.wav", tone(440, rate=44100), 44100)
        whole = audio.read(tmp_path / "a.wav", 16000).samples
        waveform = audio.read(tmp_path / "a.wav", 16000, seconds=seconds)
        assert len(waveform.samples) == round(seconds * 16000)
        assert waveform.real == min(len(whole), round(seconds * 16000))
        np.testing.assert_array_equal(waveform.samples[: waveform.real], whole[: waveform.real])
        assert not waveform.samples[waveform.real :].any()

    def test_a_member_of_an_archive_is_read_like_a_file(self, tmp_path):
        audio.write(tmp_path / "a.flac", tone(440), 16000)
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            archive.write(tmp_path / "a.flac", "events/a.flac")
        url = f"zip://events/a.flac::{tmp_path / 'all.zip'}"
        np.testing.assert_array_equal(
            audio.read(url, 16000).samples, audio.read(tmp_path / "a.flac", 16000).samples
        )
        assert audio.header(url) == audio.header(tmp_path / "a.flac")
        assert audio.content_hash(url) == audio.content_hash(tmp_path / "a.flac")

    def test_an_archive_that_changed_is_read_anew(self, tmp_path):
        archive = tmp_path / "all.zip"
        for name, seconds in (("a.wav", 0.5), ("b.wav", 0.25)):
            audio.write(tmp_path / name, tone(440, seconds), 16000)
            with zipfile.ZipFile(archive, "w") as file:
                file.write(tmp_path / name, "x.wav")
            assert audio.header(f"zip://x.wav::{archive}").seconds == seconds

    def test_an_archive_may_be_read_by_many_threads(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            for index in range(100):
                audio.write(tmp_path / "a.wav", tone(440, seconds=(index + 1) / 1000), 16000)
                archive.write(tmp_path / "a.wav", f"{index}.wav")
        paths = [f"zip://{index}.wav::{tmp_path / 'all.zip'}" for index in range(100)]
        with ThreadPoolExecutor(8) as pool:
            frames = [header.frames for header in pool.map(audio.header, paths)]
        assert frames == [16 * (index + 1) for index in range(100)]

    def test_a_member_that_is_damaged(self, tmp_path):
        audio.write(tmp_path / "a.wav", tone(440), 16000)
        with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(tmp_path / "a.wav", "a.wav")
        whole = bytearray((tmp_path / "all.zip").read_bytes())
        whole[len(whole) // 2] ^= 0xFF
        (tmp_path / "all.zip").write_bytes(whole)
        with pytest.raises(AudioError, match="cannot be read: damaged archive"):
            audio.header(f"zip://a.wav::{tmp_path / 'all.zip'}")

    @given(
        samples=hnp.arrays(np.float32, st.integers(0, 50), elements=st.floats(-1, 1, width=32)),
        length=st.integers(1, 60),
    )
    def test_fit_crops_or_pads_at_the_end(self, samples, length):
        waveform = audio.fit(samples, length)
        assert len(waveform.samples) == length
        assert waveform.real == min(len(samples), length)
        np.testing.assert_array_equal(waveform.samples[: waveform.real], samples[: waveform.real])
        assert not waveform.samples[waveform.real :].any()


class TestHeader:
    def test_it_says_what_the_file_says(self, tmp_path):
        audio.write(tmp_path / "a.wav", tone(440, 0.5, 44100, channels=2), 44100)
        header = audio.header(tmp_path / "a.wav")
        assert header == Header(sample_rate=44100, frames=22050, channels=2, format="WAV")
        assert header.seconds == 0.5

    def test_a_wav_from_a_pipe_promises_no_size(self, tmp_path):
        # espeak-ng, sox and ffmpeg cannot go back to fill it in.
        audio.write(tmp_path / "a.wav", tone(440), 16000)
        whole = bytearray((tmp_path / "a.wav").read_bytes())
        whole[40:44] = struct.pack("<I", 0x7FFFF000)
        (tmp_path / "a.wav").write_bytes(whole)
        assert len(audio.read(tmp_path / "a.wav", 16000).samples) == 8000

    def test_bytes_after_the_sound_do_no_harm(self, tmp_path):
        for name in ("a.wav", "a.ogg"):
            audio.write(tmp_path / name, tone(440), 16000)
            with (tmp_path / name).open("ab") as file:
                file.write(b"LIST\x04\x00\x00\x00note")
            assert audio.header(tmp_path / name).frames == 8000


class TestWrite:
    def test_what_is_beyond_one_is_clipped_not_wrapped(self, tmp_path):
        audio.write(tmp_path / "a.wav", np.array([2.0, -2.0, 0.5]), 16000)
        np.testing.assert_allclose(audio.read(tmp_path / "a.wav", 16000).samples, [1, -1, 0.5], atol=1e-4)


def test_content_hash_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"sound" * 1000)
    assert audio.content_hash(tmp_path / "a.bin") == hashlib.sha256(b"sound" * 1000).hexdigest()


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


def cut(name, share, **settings):
    """Write a file and keep only its first part."""

    def build(folder):
        path = folder / name
        rng = np.random.default_rng(0)
        soundfile.write(path, rng.uniform(-0.5, 0.5, 32000), 16000, **settings)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])
        return path

    return build


def file_of(content):
    def build(folder):
        path = folder / "a.wav"
        path.write_bytes(content)
        return path

    return build


def sound_of(samples, **settings):
    def build(folder):
        path = folder / "a.wav"
        soundfile.write(path, np.array(samples, dtype=np.float32), 16000, **settings)
        return path

    return build


def unknown_length(folder):
    path = folder / "a.flac"
    soundfile.write(path, tone(440), 16000)
    whole = bytearray(path.read_bytes())
    whole[21] &= 0xF0  # the 36 bits of STREAMINFO that count the samples
    whole[22:26] = bytes(4)
    path.write_bytes(whole)
    return path


BAD_HEADERS = {
    "missing": (lambda folder: folder / "none.wav", "does not exist; expected an audio file; try"),
    "folder": (lambda folder: folder, "cannot be read: Is a directory"),
    "empty": (file_of(b""), r"is empty \(0 bytes\); expected audio; try"),
    "pointer": (file_of(POINTER), "is a Git-LFS pointer.*try `git lfs pull`"),
    "text": (file_of(b"once upon a time " * 20), r"cannot be decoded: .* \(it begins b'once upon"),
    "no samples": (sound_of([]), "holds no samples"),
    "one sample": (sound_of([0.5]), "holds one sample; expected sound"),
    "cut wav": (cut("a.wav", 0.5), "is truncated: its data chunk promises 64000 bytes and .* are there"),
    "cut wav header": (cut("a.wav", 0.0004), "is truncated: it ends before its data chunk"),
    "cut aiff": (cut("a.aif", 0.5, format="AIFF"), "is truncated: its SSND chunk promises"),
    "cut ogg": (cut("a.ogg", 0.8), "is truncated: its last Ogg page"),
    "cut opus": (cut("a.opus", 0.8, format="OGG", subtype="OPUS"), "is truncated: its last Ogg page"),
    "unknown length": (unknown_length, "does not state its length; expected .* try writing it again"),
}
BAD_SOUND = {
    "cut flac": (cut("a.flac", 0.5), r"is truncated: the decoder stopped after \d+ of 32000 frames"),
    "cut mp3": (cut("a.mp3", 0.5), r"is truncated: its header promises 32000 frames and \d+ could be"),
    "nan": (sound_of([0, 0, np.nan, 0], subtype="FLOAT"), r"sample 2 is not a number or infinite \(1 of 4"),
    "infinity": (sound_of([0, np.inf], subtype="FLOAT"), "sample 1 is not a number or infinite"),
}


class TestBadAudio:
    @pytest.mark.parametrize("kind", BAD_HEADERS)
    @pytest.mark.parametrize("reader", [audio.header, lambda path: audio.read(path, 16000)])
    def test_what_the_header_tells_is_told(self, tmp_path, kind, reader):
        build, message = BAD_HEADERS[kind]
        path = build(tmp_path)
        with pytest.raises(AudioError, match=message) as caught:
            reader(path)
        assert caught.value.path == str(path)
        assert str(caught.value).startswith(f"{path}: {caught.value.reason}; expected")

    @pytest.mark.parametrize("kind", BAD_SOUND)
    def test_what_only_decoding_tells_is_told(self, tmp_path, kind):
        build, message = BAD_SOUND[kind]
        with pytest.raises(AudioError, match=message):
            audio.read(build(tmp_path), 16000)

    def test_a_file_that_may_not_be_read(self, tmp_path, monkeypatch):
        audio.write(tmp_path / "a.wav", tone(440), 16000)

        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("pathlib.Path.open", refuse)
        with pytest.raises(AudioError, match=r"cannot be read: Permission denied; expected .*try its perm"):
            audio.read(tmp_path / "a.wav", 16000)

    def test_a_member_that_an_archive_lacks(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "all.zip", "w"):
            pass
        with pytest.raises(AudioError, match=r"zip://a\.wav::.*: does not exist"):
            audio.read(f"zip://a.wav::{tmp_path / 'all.zip'}", 16000)

    def test_an_archive_that_is_none(self, tmp_path):
        (tmp_path / "all.zip").write_text("no archive")
        with pytest.raises(AudioError, match="cannot be read: damaged archive: File is not a zip file"):
            audio.read(f"zip://a.wav::{tmp_path / 'all.zip'}", 16000)

    def test_a_protocol_that_is_none(self):
        with pytest.raises(AudioError, match=r"cannot be read: .*bogus.*; expected a file that can be read"):
            audio.header("bogus://a.wav")

    def test_too_short_for_the_wanted_rate(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", np.ones(2), 48000)
        with pytest.raises(AudioError, match="holds no samples at 8000 Hz"):
            audio.read(tmp_path / "a.wav", 8000)

    @pytest.mark.parametrize(("start", "stop"), [(0.6, None), (0.5, None), (0, 0.7), (0.4, 0.7)])
    def test_a_part_beyond_the_end(self, tmp_path, start, stop):
        audio.write(tmp_path / "a.wav", tone(440), 16000)
        with pytest.raises(AudioError, match=r"lasts 0\.500 s, but start .* were asked for"):
            audio.read(tmp_path / "a.wav", 16000, start=start, stop=stop)

    def test_the_error_survives_the_way_from_a_worker(self):
        error = AudioError("a.wav", "is empty", "expected audio")
        again = pickle.loads(pickle.dumps(error))
        assert (again.path, again.reason, str(again)) == (error.path, error.reason, str(error))


class TestMisuse:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"sample_rate": 0}, "sample_rate is 0; expected a positive"),
            ({"seconds": 0}, "seconds is 0; expected a positive"),
            ({"seconds": float("nan")}, "seconds is nan"),
            ({"start": -1}, "start is -1 .* expected seconds with 0 <= start < stop"),
            ({"start": 0.3, "stop": 0.2}, r"start is 0\.3 and stop is 0\.2"),
        ],
    )
    def test_what_cannot_be_asked_for(self, tmp_path, settings, message):
        audio.write(tmp_path / "a.wav", tone(440), 16000)
        with pytest.raises(UsageError, match=message):
            audio.read(tmp_path / "a.wav", **{"sample_rate": 16000, **settings})
