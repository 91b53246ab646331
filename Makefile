# Two commands on a fresh machine with Python and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# 'loadfile' would wait for ever once a worker has died; here its test fails, and another worker takes the rest
PARALLEL := -n 2 --dist worksteal --max-worker-restart 4

.PHONY: help setup demo test lint docs notebooks wheel clean

help:
	@echo "make demo   simulate, train and report: electron or photon? (a few minutes)"
	@echo "make test   the unit tests"
	@echo "make lint   ruff, mypy, import-linter, codespell"
	@echo "make docs   build the documentation into site/, notebooks as text"
	@echo "make notebooks  the same with every notebook run, and its plots (some minutes)"
	@echo "make wheel  build the wheel, and try it in an empty environment and an empty folder"

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[all]"
	touch $(STAMP)

setup: $(STAMP)

demo: $(STAMP)
	$(BIN)/hitforge run electron_photon/demo --out runs/demo --resume

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

docs: $(STAMP)
	$(BIN)/mkdocs build --strict

notebooks: $(STAMP)
	HITFORGE_EXECUTE_NOTEBOOKS=true OMP_NUM_THREADS=1 $(BIN)/mkdocs build --strict

wheel: $(STAMP)
	$(BIN)/python .ci/wheel.py

clean:
	rm -rf $(VENV) build dist site
