"""Synthetic speech by espeak-ng: long texts spoken once and cut into clips."""

from __future__ import annotations

import subprocess

import numpy as np
import soxr
from sources import BRANCHES, SAMPLE_RATE, TRAINING_SAMPLES, TRAINING_VOICES
from texts import TRAINING


def speak(text: str, language: str, variant: str, pitch: int, rate: int) -> np.ndarray:
    """What espeak-ng says, as float samples at 16 kHz.

    Args:
        text: UTF-8 text in the script of the language.
        language: espeak-ng's language code.
        variant: name of a voice variant (`espeak-ng --voices=variant`).
        pitch: 0 to 99.
        rate: words a minute, 80 to 450.

    Raises:
        RuntimeError: espeak-ng failed or said nothing (a variant or language it does not have).
    """
    command = ["espeak-ng", "-v", f"{language}+{variant}", "-p", str(pitch), "-s", str(rate), "--stdout"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if done.returncode or len(done.stdout) < 1000:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode().strip() or 'no sound'}")
    # To a pipe, espeak-ng writes a RIFF header with a made-up length; 44 bytes of header, then 16-bit mono.
    rate_hz = int.from_bytes(done.stdout[24:28], "little")
    samples = np.frombuffer(done.stdout[44 : 44 + (len(done.stdout) - 44) // 2 * 2], dtype="<i2") / 32768
    return soxr.resample(samples.astype(np.float32), rate_hz, SAMPLE_RATE)


def pseudo_text(rng: np.random.Generator, language: str, phrases: int) -> str:
    """Word groups of the language's training text in random order, with numbers between them."""
    words = TRAINING[language].split()
    parts = []
    for _ in range(phrases):
        if rng.random() < 0.4:
            parts.append(str(rng.integers(10, 10 ** rng.integers(2, 6))))
        else:
            start, length = rng.integers(0, max(1, len(words) - 3)), rng.integers(3, 9)
            parts.append(" ".join(words[start : start + length]))
    return ", ".join(parts) + "."


def cut(samples: np.ndarray, length: int, clips: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Clips from a recording at even distances with some jitter; none that is mostly silence."""
    latest = len(samples) - length
    if latest < 0:
        return []
    starts = np.linspace(0, latest, clips) + rng.uniform(-0.1, 0.1, clips) * SAMPLE_RATE
    found = [samples[s : s + length] for s in np.clip(starts, 0, latest).astype(int)]
    loud = 0.05 * np.sqrt(np.mean(samples**2))
    return [c for c in found if np.mean(np.abs(c) > loud) > 0.3]


def training_clips(rng: np.random.Generator, clips: int = 16) -> list[tuple[np.ndarray, str, str]]:
    """About `clips` clips (samples, label, source) of one random language, voice, pitch and rate."""
    label = str(rng.choice(list(BRANCHES)))
    language = str(rng.choice(BRANCHES[label]))
    variant = str(rng.choice(TRAINING_VOICES))
    pitch, rate = int(rng.integers(20, 85)), int(rng.integers(120, 220))
    samples = speak(pseudo_text(rng, language, clips), language, variant, pitch, rate)
    source = f"{language}+{variant} pitch {pitch} rate {rate}"
    return [(c, label, source) for c in cut(samples, TRAINING_SAMPLES, clips, rng)]
