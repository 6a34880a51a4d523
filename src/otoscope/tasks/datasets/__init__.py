"""Readers of public data sets in their official layouts: one file, one class each, found by the registry."""
