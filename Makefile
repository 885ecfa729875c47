# make demo    train the shipped Breakout agent for 20,000 timesteps, monitored
# make test    the tests            make check   format, lint, types
# make bench   the benchmarks       make clean   remove the environment
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test check bench clean
.DELETE_ON_ERROR:

demo: .venv/installed
	$(BIN)/rlmonitor demo --checkpoint agents/breakout/checkpoints/0800000.safetensors

test: .venv/installed-test
	$(BIN)/python -m pytest

check: .venv/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/installed-test
	$(BIN)/python benchmarks/attribution.py
	$(BIN)/python benchmarks/figure2.py
	$(BIN)/python benchmarks/spray.py

clean:
	rm -rf .venv

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rlmonitor needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet "pip>=25.1"

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet -c constraints.txt -e .
	touch $@

# Oracles of the tests that ask for more than what is compared needs: torchvision; a compiled hash
.venv/installed-test: .venv/installed
	$(PIP) install --quiet -c constraints.txt --group test --group check
	$(PIP) install --quiet -c constraints.txt --no-deps zennit corelay
	touch $@
