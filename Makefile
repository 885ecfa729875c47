# make demo    train the shipped Breakout agent for 20,000 timesteps, monitored
# make test    the tests            make check   format, lint, types, imports
# make test-web   the Strategies page: types, units, whether its bundle is fresh, use in a browser
# make web        build that bundle anew (Node.js 20 or newer)
# make matrix  all supported versions of Python, with the oldest and the newest packages (hours, GB)
# make bench   the benchmarks       make clean   remove the environment
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test test-web web check matrix bench clean

WEB := rlmonitor/board/web
.DELETE_ON_ERROR:

demo: .venv/installed
	$(BIN)/rlmonitor demo --checkpoint agents/breakout-short/checkpoints/0800000.safetensors

test: .venv/installed-test
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

web: $(WEB)/node_modules/.package-lock.json
	cd $(WEB) && npm run --silent build

# The bundle that is committed must be the one that the sources give
test-web: .venv/installed-test $(WEB)/node_modules/.package-lock.json
	cd $(WEB) && npm run --silent check && npm run --silent unit
	cd $(WEB) && OUT_DIR=node_modules/.bundle npm run --silent build
	diff -r $(WEB)/node_modules/.bundle rlmonitor/board/static || (echo "stale: run make web, and commit rlmonitor/board/static"; exit 1)
	cd $(WEB) && npm run --silent use

$(WEB)/node_modules/.package-lock.json: $(WEB)/package.json $(WEB)/package-lock.json
	cd $(WEB) && npm ci --silent --no-audit --no-fund

check: .venv/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

# In environments of their own; Pythons that are missing here are fetched
matrix: .venv/bin/python
	$(PIP) install --quiet nox uv
	$(BIN)/nox --error-on-missing-interpreters

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
