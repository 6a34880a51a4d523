"""Models of Hugging Face transformers: one module per kind of model, found by what its config.json says.

Nothing here imports transformers before a model is loaded.
"""
