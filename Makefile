## make demo    install the runtime floor alone into .venv, fuse an invented pair, say where the pictures lie
## make test    install everything into .venv, then lint, types, layers, unit tests, docstring and README examples
## make lint    the first half of that
## PYTHON=...   the Python that makes .venv (3.10 or later); an existing .venv is used as it is

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: help demo test lint unit clean
help:
	@sed -n 's/^## //p' Makefile

demo: $(VENV)/.runtime
	$(BIN)/imfuse demo --output demo

test: lint unit

lint: $(VENV)/.everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

# One thread a worker: more would only fight for the cores.
unit: $(VENV)/.everything
	OMP_NUM_THREADS=1 OPENCV_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS)

clean:
	rm -rf $(VENV) demo dist build .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "imfuse needs Python 3.10 or later, and $(PYTHON) is: $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The stamps are older than pyproject.toml when it has changed: then, and only then, pip runs again.
$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.everything: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all,dev]'
	@touch $(VENV)/.runtime $@
