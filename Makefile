# Every verb sets up what it needs, from nothing, in .venv.

PYTHON ?= python3
BIN := .venv/bin
# Keeps the numerical libraries from fighting over the cores when tests run side by side.
TEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n auto

.DEFAULT_GOAL := help
.PHONY: help demo results test test-all lint format types bench docs clean

help:  ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/core: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/dev: .venv/core
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

.venv/docs: .venv/core
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

demo: .venv/core  ## The miniature study: three models, three tasks, a report to open (demo/report/index.html)
	$(BIN)/otoscope demo --out demo

results: .venv/core  ## The whole miniature study, every class ablated on every model, and its page in docs/results/
	$(BIN)/otoscope demo --full --out results
	$(BIN)/python tools/mini/results.py results

test: .venv/dev  ## The fast tests, doctests included
	$(TEST)

test-all: .venv/dev  ## Every test, the slow ones too
	$(TEST) -m ''

lint: .venv/dev  ## Style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/dev  ## Mend style and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: .venv/dev  ## mypy, strict, on the package
	$(BIN)/mypy

bench: .venv/core  ## Recording against the bare forward pass and against keeping all activations
	$(BIN)/python benchmarks/recording.py

docs: .venv/docs  ## Build the documentation into site/, strictly
	$(BIN)/mkdocs build --strict --quiet

clean:  ## Remove the environment and everything built
	rm -rf .venv site demo results dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
