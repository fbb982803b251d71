# Every target sets itself up in .venv: only git, make and Python 3.11 or newer are needed.

MODERN := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3 python python3.13 python3.12 python3.11; do \
	if "$$name" -c '$(MODERN)' 2>/dev/null; then echo "$$name"; break; fi; done)

BIN := .venv/bin
STAMP := .venv/.installed
SOURCES = $(shell find notebooks -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*' 2>/dev/null)

.PHONY: quickstart test lint benchmark attack attack-sweeps browser lab api site setup

quickstart: $(STAMP)
	@$(BIN)/nbutils run quickstart

# Two processes, each with whole files, whose tests share what they train; with more threads they would wait for each other.
# Files are dealt in the order of tests/conftest.py, the long ones first, not by their numbers of tests.
test: $(STAMP)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@test -z "$(SOURCES)" || $(BIN)/nbstripout --verify --keep-id $(SOURCES)

benchmark: $(STAMP)
	@$(BIN)/python -m pytest tests/benchmarks -o python_files='bench_*.py' --benchmark-enable

# Kills, interrupts and damage, with tables of counts; a quarter of an hour. Each part is a process of its own: one
# forks, and torch's threads do not outlive a fork.
attack: $(STAMP)
	@status=0; for part in parsers runs store; do \
		$(BIN)/python -m pytest "tests/attack/attack_$$part.py" --durations=5 || status=1; \
	done; exit $$status

# The same of sweeps on Dask, each kind ten times.
attack-sweeps: $(STAMP)
	@$(BIN)/python -m pytest tests/attack/attack_sweeps.py --durations=6

# Every notebook with its explorers, in JupyterLab in a browser; takes many minutes. `make test` tries a few.
browser: $(STAMP)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/browser -o python_files='test_*.py browse_*.py'

lab: $(STAMP)
	@$(BIN)/jupyter lab notebooks

api: $(STAMP)
	@$(BIN)/nbutils api

site: $(STAMP)
	@$(BIN)/nbutils site

setup: $(STAMP)

# The stamp is written last: an installation that fails or is broken off is done again.
$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, found none: install it, or name it as in 'make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)'" >&2; exit 1; }
	@"$(PYTHON)" -c '$(MODERN)' 2>/dev/null || { echo "Python 3.11 or newer is needed: $(PYTHON) is older or missing" >&2; exit 1; }
	@rm -f $@
	@$(BIN)/python -c 'import pip; $(MODERN)' 2>/dev/null || "$(PYTHON)" -m venv --clear .venv \
		|| { echo "no environment could be made in .venv: on Debian and Ubuntu, install python3-venv" >&2; exit 1; }
	@echo "installing into .venv (once; some minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
