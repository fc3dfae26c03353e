# Two commands on a fresh machine: `make demo` and `make test`. Needs Python 3.11 to 3.13, make and the package registry.
VENV := .venv
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := $(VENV)/Scripts
else
PYTHON ?= python3
BIN := $(VENV)/bin
endif

.PHONY: demo test lint types tests notebook pictures bench-travel bench-growth bench-calibration bench-cases bench-published bench-solve bench-edit bench-pack clean

# The example county's 35 zones, in a minute of solving at most; open demo/review.html.
demo: $(VENV)/installed
	$(BIN)/zonedesign solve scenarios/west-sussex.toml -o demo --time-limit 60 --gap 0.03

test: lint types tests

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-dev
	$(BIN)/mypy

tests: $(VENV)/installed-dev
	$(BIN)/pytest -n auto

# Opens the first notebook.
notebook: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet notebook
	$(BIN)/python -m notebook notebooks/first-plan.ipynb

# Draws docs/images anew; needs chromium or google-chrome.
pictures: $(VENV)/installed-dev
	$(BIN)/python benchmarks/pictures.py

# Travel times against their peers, and how they grow (both docs/travel-times.md), calibration (docs/calibration.md), every real case solved (docs/cases.md),
# published instances, and solving against its bars and its peers (docs/solving.md; some six hours; figures are kept in benchmarks/solving.json, and it goes on where it stopped).
# They need the real data beside the checkout, or where ZONEDESIGN_GEODATA and ZONEDESIGN_CASES say.
bench-travel: $(VENV)/installed-peers
	$(BIN)/python benchmarks/travel.py --write

bench-growth: $(VENV)/installed-dev
	$(BIN)/python benchmarks/growth.py --write

bench-calibration: $(VENV)/installed-dev
	$(BIN)/python benchmarks/calibration.py --write

bench-cases: $(VENV)/installed-dev
	$(BIN)/python benchmarks/cases.py

bench-published: $(VENV)/installed-dev
	$(BIN)/python benchmarks/published.py

bench-solve: $(VENV)/installed-peers
	$(BIN)/python benchmarks/solving.py

bench-edit: $(VENV)/installed-dev
	$(BIN)/python benchmarks/editing.py --write

# How long tender packs take (docs/pack.md), of plans that `make demo` and bench-solve leave behind.
bench-pack: $(VENV)/installed-dev
	$(BIN)/python benchmarks/packs.py --write

$(VENV)/bare:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -c "open('$@', 'w').close()"

$(VENV)/installed: $(VENV)/bare pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@$(BIN)/python -c "open('$@', 'w').close()"

$(VENV)/installed-dev: $(VENV)/bare pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@$(BIN)/python -c "open('$@', 'w').close(); open('$(VENV)/installed', 'w').close()"

$(VENV)/installed-peers: $(VENV)/installed-dev benchmarks/peers.txt
	$(BIN)/python -m pip install --quiet --requirement benchmarks/peers.txt
	@$(BIN)/python -c "open('$@', 'w').close()"

MADE := $(VENV) demo build dist .mypy_cache .pytest_cache .ruff_cache
clean:
	$(PYTHON) -c "import shutil; [shutil.rmtree(each, ignore_errors=True) for each in '$(MADE)'.split()]"
