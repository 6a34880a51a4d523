"""The objectives that make the embedded models: M2D, masked reconstruction, and the supervised twin."""

from otoscope.pretraining.config import ConfigError, PretrainConfig, parse_config, read_config
from otoscope.pretraining.trainer import PretrainResult, pretrain, train

__all__ = [
    "ConfigError",
    "PretrainConfig",
    "PretrainResult",
    "parse_config",
    "pretrain",
    "read_config",
    "train",
]
