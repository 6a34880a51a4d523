"""Readers of what people have: folders, tables, archives, other tools' folders, and the miniature."""
