"""The paper's three research questions, each asked of what a study left on disk."""
