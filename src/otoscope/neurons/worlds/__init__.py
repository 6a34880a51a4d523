"""Recordings made by drawing: noise, and neurons planted in it, to see what the methods find."""
