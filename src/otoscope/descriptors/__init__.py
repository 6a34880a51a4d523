"""What a clip sounds like, in numbers: loudness, pitch, brightness, spectrum."""

from otoscope.descriptors.describing import describe, descriptor_columns
from otoscope.descriptors.measures import VERSION, columns, measure

__all__ = ["VERSION", "columns", "describe", "descriptor_columns", "measure"]
