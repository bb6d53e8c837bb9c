# make run: a corpus from nothing. make loop: what it is worth. make test: the tests. make lint: ruff and pyright. make golden: records the
# results of stages after a version was raised. make hooks: checks before each commit. make engine: the
# compiled engine that ships with the package, after its source was changed. All set up what they need, once.

PYTHON ?= python3
CORPUS ?= corpus
TARGETS ?= 800
VENV := .venv
BIN := $(VENV)/bin

LOOP ?= loop

.PHONY: run loop setup test test-all lint golden engine hooks clean

run: setup
	$(BIN)/alchemy synthesize $(CORPUS) --library Init --targets $(TARGETS) --seed 0

# A corpus, a model trained with it and one without, both evaluated: some two hours. LOOP_OPTIONS: see `alchemy loop --help`.
loop: setup
	$(BIN)/alchemy loop $(LOOP) $(LOOP_OPTIONS)

setup: $(VENV)/installed
	$(BIN)/alchemy setup

# Offline the second time: pip is asked only when pyproject.toml changed.
$(VENV)/installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python

golden: setup
	ALCHEMY_GOLDEN=record $(BIN)/python -m pytest -k golden_ones

engine: setup
	$(BIN)/python -m lean_alchemy.lean_workspace.embedded.ship

hooks:
	git config core.hooksPath .githooks

# Two at a time: an engine is busy on one core. A file stays together, for what its tests share.
test: setup lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not slow'

test-all: setup lint
	$(BIN)/python -m pytest

clean:
	rm -rf $(VENV) *.egg-info build dist
