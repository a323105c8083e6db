# Two commands do everything on a fresh machine with Python: `make demo` and `make test`.
PYTHON ?= python3
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= 2
SOURCES := pyproject.toml constraints.txt
# Bytecode is more than half of the work, and pip makes it on one processor. (Some packages carry files of other Pythons.)
INSTALL  := $(PIP) install --no-compile -c constraints.txt
BYTECODE := python -m compileall -qq -j $(WORKERS)

.PHONY: demo test check bench docs oracle browser web shapes bounds slow evidence reproduce lean clean help

help:            ## list the targets
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | sed 's/:.*##/  /'

# The virtual environment; each stamp is newer than what it was made from, so a second call does nothing.
.venv/pip.stamp:
	$(PYTHON) -c 'import sys; sys.exit("Sightline needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	$(PIP) install 'pip>=25.1'
	@touch $@

.venv/user.stamp: .venv/pip.stamp $(SOURCES)
	@echo "Setting up .venv (once; a few minutes) …"
	$(INSTALL) -e '.[deep,lab]'
	@$(BIN)/$(BYTECODE) .venv/lib || true
	@touch $@

.venv/dev.stamp: .venv/user.stamp
	@echo "Installing what the tests compare with …"
	$(INSTALL) -e '.[all]' --group dev --group docs
	@$(BIN)/$(BYTECODE) .venv/lib || true
	@touch $@

demo: .venv/user.stamp  ## set up, then the main job: train, prove and explain a classifier; writes runs/demo/report.html
	$(BIN)/sightline demo

test: .venv/dev.stamp  ## set up, then the tests; of a test with many cases a third, the others are slow ones
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

check: .venv/dev.stamp  ## format, lint, types, import contracts, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyrefly check
	$(BIN)/lint-imports
	$(BIN)/python tests/sizes.py

bench: .venv/dev.stamp  ## time every operation against its peer, alternately in one run
	$(BIN)/sightline bench

docs: .venv/dev.stamp  ## build the site into docs/_build, warnings are errors
	$(BIN)/python -m sphinx -q -W -b html docs docs/_build
	$(BIN)/python docs/links.py docs/_build

slow: .venv/dev.stamp  ## the tests that take minutes, and the other cases of the quick ones
	$(BIN)/python -m pytest -m slow -n $(WORKERS) --dist worksteal

browser: .venv/dev.stamp  ## the lab's pages in a real Chromium, from Debian's packages where they can be installed
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get -qq update && \
		DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium >/dev/null; } || \
		echo "Chromium is missing and cannot be installed here: the tests will say that they are skipped."
	$(BIN)/python -m pytest -m browser tests/browser

web: ## build the lab's front end, and fail when what is committed is not what its sources give
	cd web && npm ci --no-audit --no-fund --silent && npm run --silent build
	git diff --exit-code --stat -- src/sightline/lab/static src/sightline/core/player.js

shapes: .venv/dev.stamp  ## image tests with every annotated shape checked at the call
	SIGHTLINE_CHECK_SHAPES=1 $(BIN)/python -m pytest tests/image -n $(WORKERS) --dist worksteal

bounds: .venv/dev.stamp  ## kernels with bounds checks compiled in
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=.venv/bounds $(BIN)/python -m pytest tests/test_contracts.py -n $(WORKERS) -k "one_pixel or any_layout"

evidence: .venv/dev.stamp  ## fail when a method has no evidence that holds
	$(BIN)/sightline evidence --check

.venv-oracle/stamp: oracle-constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv-oracle
	.venv-oracle/bin/python -m pip install --quiet 'pip>=25.1'
	.venv-oracle/bin/python -m pip install --quiet --no-compile -r oracle-constraints.txt
	.venv-oracle/bin/python -m pip install --quiet --no-deps -e .
	@.venv-oracle/bin/$(BYTECODE) .venv-oracle/lib || true
	@touch $@

oracle: .venv-oracle/stamp  ## tests against peers that need an environment of their own (timm, torchvision, grad-cam)
	.venv-oracle/bin/python -m pytest -m oracle tests/oracle

lean:            ## install the lean core alone into an empty environment and use it without torch
	rm -rf .venv-lean && $(PYTHON) -m venv .venv-lean
	.venv-lean/bin/python -m pip install --quiet 'pip>=25.1'
	.venv-lean/bin/python -m pip install --quiet -c constraints.txt .
	cd / && $(CURDIR)/.venv-lean/bin/python $(CURDIR)/tests/lean.py
	rm -rf .venv-lean

reproduce: .venv/dev.stamp  ## run every published figure that is claimed
	$(BIN)/sightline reproduce --all

clean:           ## remove environments and build products (never runs/)
	rm -rf .venv .venv-oracle .venv-lean docs/_build docs/generated dist
