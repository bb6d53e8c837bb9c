# make run: a corpus from nothing. make test: the tests. Both set up what they need, once.

PYTHON ?= python3
CORPUS ?= corpus
TARGETS ?= 800
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run setup test test-all lint clean

run: setup
	$(BIN)/alchemy synthesize $(CORPUS) --library Init --targets $(TARGETS) --seed 0

setup: $(VENV)/installed
	$(BIN)/alchemy setup

# Offline the second time: pip is asked only when pyproject.toml changed.
$(VENV)/installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

lint: $(VENV)/installed
	$(BIN)/ruff check .

# Two at a time: an engine is busy on one core. A file stays together, for what its tests share.
test: setup lint
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not slow'

test-all: setup lint
	$(BIN)/python -m pytest

clean:
	rm -rf $(VENV) *.egg-info build dist
