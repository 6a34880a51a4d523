"""decoders: a part of a file is to the bit the slice of a straight pass, in every format and any order."""

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from otoscope import audio, decoders
from otoscope.decoders import Decoder

RATE = 16000
SECONDS = 40  # more than two blocks of the decoding
FORMATS = {
    "16.wav": {"subtype": "PCM_16"},
    "24.wav": {"subtype": "PCM_24"},
    "float.wav": {"subtype": "FLOAT"},
    "ima.wav": {"subtype": "IMA_ADPCM"},
    "ms.wav": {"subtype": "MS_ADPCM"},
    "gsm.wav": {"subtype": "GSM610"},  # cannot be sought in at all
    "16.flac": {"subtype": "PCM_16"},
    "24.flac": {"subtype": "PCM_24"},
    "a.aif": {"format": "AIFF", "subtype": "PCM_16"},
    "low.ogg": {"subtype": "VORBIS", "compression_level": 1.0},
    "high.ogg": {"subtype": "VORBIS", "compression_level": 0.0},
    "a.opus": {"format": "OGG", "subtype": "OPUS"},
    "constant.mp3": {"subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT", "compression_level": 0.99},
    "variable.mp3": {"subtype": "MPEG_LAYER_III", "bitrate_mode": "VARIABLE", "compression_level": 0.5},
}
LOSSY = ("low.ogg", "a.opus", "variable.mp3")


def bursts(channels):
    """Bursts in silence: an encoder spends what it saved on the silence, so frames depend on those before."""
    rng = np.random.default_rng(0)
    sound = np.zeros((SECONDS * RATE, channels))
    for at in rng.integers(0, (SECONDS - 1) * RATE, 2 * SECONDS):
        n = int(rng.integers(50, RATE // 2))
        sound[at : at + n] += rng.normal(0, 0.2, (n, channels)) * np.exp(-np.linspace(0, 6, n))[:, None]
    return np.clip(sound, -1, 1).astype(np.float32)


def written(path, channels=1):
    sound = bursts(channels)
    with soundfile.SoundFile(path, "w", RATE, channels, **FORMATS[path.name]) as file:
        for at in range(
            0, len(sound), RATE
        ):  # libsndfile's Vorbis encoder crashes over half a minute at once
            file.write(sound[at : at + RATE])
    return path


def straight(path):
    """The whole file in one go."""
    with soundfile.SoundFile(path) as file:
        sound = file.read(file.frames, dtype="float32", always_2d=True)
    return sound.mean(axis=1, dtype=np.float32)


def part(path, first, last):
    return audio.decode(path, start=first / RATE, stop=last / RATE).samples


def random_parts(frames, count=25):
    rng = np.random.default_rng(1)
    firsts = rng.integers(0, frames - RATE, count)
    return [(int(first), int(first + rng.integers(2, RATE))) for first in firsts]


@pytest.fixture(autouse=True)
def nobody_waits():
    yield
    while decoders._waiting:
        decoders._waiting.pop()[1].close()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", FORMATS)
def test_parts_are_slices_of_a_straight_pass(tmp_path, name, channels):
    if name == "gsm.wav" and channels == 2:
        pytest.skip("GSM has one channel")
    path = written(tmp_path / name, channels)
    whole = straight(path)
    assert np.array_equal(audio.decode(path).samples, whole)
    for order in (random_parts(len(whole)), sorted(random_parts(len(whole)))):
        for first, last in order:
            assert np.array_equal(part(path, first, last), whole[first:last])


@pytest.mark.parametrize("name", LOSSY)
def test_threads_share_a_file(tmp_path, name):
    path = written(tmp_path / name)
    whole = straight(path)
    places = [(at, at + 5000) for at in range(0, len(whole) - 5000, 5000)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda place: part(path, *place), places))
    assert all(np.array_equal(a, whole[first:last]) for a, (first, last) in zip(found, places, strict=True))


def test_parts_in_order_cost_one_pass(tmp_path, monkeypatch):
    path = written(tmp_path / "variable.mp3")
    read, frames = Decoder.read, []
    monkeypatch.setattr(Decoder, "read", lambda self, n, **how: frames.append(n) or read(self, n, **how))
    for at in range(RATE, SECONDS * RATE, RATE):
        part(path, at, at + RATE)
    assert sum(frames) == SECONDS * RATE


def test_a_file_that_was_replaced_is_read_anew(tmp_path):
    path = written(tmp_path / "variable.mp3")
    part(path, RATE, 2 * RATE)
    soundfile.write(path, bursts(1)[::-1], RATE, subtype="MPEG_LAYER_III")
    assert np.array_equal(part(path, 3 * RATE, 4 * RATE), straight(path)[3 * RATE : 4 * RATE])


def test_few_files_stay_open(tmp_path):
    content = written(tmp_path / "variable.mp3").read_bytes()
    for number in range(20):
        path = tmp_path / f"{number}.mp3"
        path.write_bytes(content)
        part(path, RATE, 2 * RATE)
    gc.collect()
    assert len(decoders._waiting) == decoders._WAITING
    assert all(not decoder.closed for _, decoder in decoders._waiting)


def test_a_file_that_ends_early_does_not_wait(tmp_path):
    path = written(tmp_path / "variable.mp3")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(audio.AudioError, match="is truncated"):
        part(path, 35 * RATE, 36 * RATE)
    assert not decoders._waiting


def test_seeking_is_not_exact_in_these_formats(tmp_path):
    """Why parts are decoded straight on. If this fails, libsndfile has learnt it: try seeking."""
    path = written(tmp_path / "variable.mp3")
    whole = straight(path)
    worst = 0.0
    for first, last in random_parts(len(whole)):
        with soundfile.SoundFile(path) as file:
            file.seek(first)
            worst = max(worst, np.abs(file.read(last - first, dtype="float32") - whole[first:last]).max())
    assert worst > 0.01
