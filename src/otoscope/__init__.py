"""otoscope: what the neurons of an audio model listen to, how sure one can be of it, and whether it matters."""

__version__ = "0.1.0"
