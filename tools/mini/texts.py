"""What the synthetic voices say: the training texts and the held-out sentences of texts.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

_TABLES = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))

TRAINING: dict[str, str] = _TABLES["training"]
"""Language -> the text whose pieces are spoken in training."""

HELD_OUT: dict[str, list[str]] = _TABLES["held_out"]
"""Language -> the sentences of the task `voices`."""

MANNERS: list[str] = _TABLES["manners"]["sentences"]
"""The English sentences of the task `manners`."""
