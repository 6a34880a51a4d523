# Every verb sets up what it needs, from nothing, in .venv.

PYTHON ?= python3
BIN := .venv/bin
# Keeps the numerical libraries from fighting over the cores when tests run side by side.
TEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n auto
# AST's modules have other names before transformers 5.9: the last version before it, and the last of 4.
OLD := 5.8.1 4.57.6
HUB_5.8.1 := 2
HUB_4.57.6 := 1

.DEFAULT_GOAL := help
.PHONY: help demo results test test-all test-browser lint format types bench docs clean

help:  ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/core: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/dev: .venv/core
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# transformers alone, to be put in front of the environment's own
.venv/transformers-%: .venv/dev
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target $@ \
	    transformers==$* 'huggingface-hub<$(HUB_$*)' 'tokenizers<0.23' httpx httpcore
	PYTHONPATH=$@ $(BIN)/python -c 'import transformers; assert transformers.__version__ == "$*"'
	@touch $@

.venv/docs: .venv/core
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

demo: .venv/core  ## The miniature study: three models, seven tasks, a report to open (demo/report/index.html)
	$(BIN)/otoscope demo --out demo

results: .venv/core  ## The whole miniature study, every labeling ablated on every model, and what the docs say of it
	$(BIN)/otoscope demo --full --out results
	$(BIN)/python tools/mini/results.py results
	$(BIN)/python tools/docs_evidence.py results
	$(BIN)/python tools/docs_evidence.py --readme
	$(BIN)/python tools/docs_impact.py results

test: .venv/dev  ## The fast tests, doctests included
	$(TEST)

test-all: .venv/dev $(OLD:%=.venv/transformers-%)  ## Every test outside a browser, the slow ones too, and AST on older transformers
	$(TEST) -m 'not browser'
	for old in $(OLD:%=.venv/transformers-%); do \
	    PYTHONPATH=$$old $(TEST) tests/models/test_hf_ast.py tests/models/test_families.py -k ast || exit 1; \
	done

test-browser: .venv/dev  ## The pages in a headless Chromium, without a network (installs it if there is none)
	tools/chromium.sh
	$(BIN)/pytest -m browser tests/browser tests/listening

lint: .venv/dev  ## Style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/dev  ## Mend style and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: .venv/dev  ## mypy, strict, on the package
	$(BIN)/mypy

bench: .venv/core  ## What recording, checking and the statistics cost beside what they cannot do without
	$(BIN)/python benchmarks/recording.py
	$(BIN)/python benchmarks/checking.py
	$(BIN)/python benchmarks/models.py
	$(BIN)/python benchmarks/decoding.py
	$(BIN)/python benchmarks/evidence.py
	$(BIN)/python benchmarks/ablating.py
	$(BIN)/python benchmarks/listening.py

docs: .venv/docs  ## Build the documentation into site/, strictly
	$(BIN)/mkdocs build --strict --quiet

clean:  ## Remove the environment and everything built
	rm -rf .venv site demo results dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
