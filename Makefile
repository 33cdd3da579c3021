# Each target does its own set-up; nothing else has to be typed in a fresh clone.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# The command `evenhand` itself; its dependencies are already there, by the lock.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
DATA   ?= ../shared/data
VECTORS ?= ../shared/vectors

.PHONY: run test check format sample vectors reference fuzz bench policy lock clean

run: $(VENV)/.run
	$(BIN)/python -m audit_core demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not browser and not fuzz"
	$(BIN)/python -m pytest -n 2 --dist loadfile -m browser

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tests/house_rules.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

sample: $(VENV)/.run
	$(BIN)/python -m sample_data.generate

# Any folder of JSON files with the schema of the given ones, each run by its `id`.
vectors: $(VENV)/.dev
	$(BIN)/python -m tests.run_vectors $(VECTORS)

# Every expected_*.json beside its data, then, for the given folders, the tests that know more of them.
reference: $(VENV)/.dev
	$(BIN)/python -m tests.run_reference $(DATA)
	test ! -d $(DATA)/compas || EVENHAND_REFERENCE=$(abspath $(DATA)) $(BIN)/python -m pytest -m reference -rs

# Bounded and seeded: EVENHAND_FUZZ is the number of mutants of each kind, EVENHAND_SEED where they start.
fuzz: $(VENV)/.dev
	$(BIN)/python -m pytest -m fuzz -rs

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# The table of what a model file may name, derived from the libraries of the lock; its diff is reviewed by a person.
policy: $(VENV)/.dev
	$(BIN)/python tests/make_model_policy.py

# uv resolves one lock for Python 3.11 to 3.13 on every platform; it is needed here and nowhere else.
lock:
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-annotate --no-header -q requirements.in -o requirements.txt
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-annotate --no-header -q requirements-dev.in -o requirements-dev.txt

$(VENV)/.run: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(INSTALL)
	touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(INSTALL)
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis
