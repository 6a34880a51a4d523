"""Tell the user what a reader left out or could not find, without stopping."""

import warnings

__all__ = ["warn"]


def warn(message: str) -> None:
    """Warn of something in the data that the user should know; what could be read is used."""
    warnings.warn(message, UserWarning, stacklevel=2)
