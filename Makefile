# The verbs of this project; `make help` lists them. Every verb sets up what it needs and is quick the second time:
# the stamps live inside the virtual environment, so removing it (or changing the lock) starts over.

VENV := .venv
BIN := $(VENV)/bin
DATA ?= data

SUPPORTED := import sys; sys.exit(sys.version_info[:2] not in {(3, 12), (3, 13)})
CANDIDATES := python3.12 python3.13 python3 $(wildcard $(HOME)/.pyenv/versions/3.12.*/bin/python $(HOME)/.pyenv/versions/3.13.*/bin/python)

.DEFAULT_GOAL := help
.PHONY: help setup run test check format golden lock clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/.project ## make .venv with the locked dependencies and the project itself

run: setup ## ingest examples/ into ./data and serve it; prints the links to open
	$(BIN)/kg ingest --data $(DATA) examples
	$(BIN)/kg serve --data $(DATA)

test: setup check ## all checks and all tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4

check: setup ## lint, formatting, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## rewrite the sources in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

golden: setup ## write tests/golden/ and the generated tables of docs/ anew and show what changed
	AIKG_WRITE_GOLDEN=1 $(BIN)/python -m pytest -q tests/test_repository_golden.py tests/test_repository_docs.py
	git --no-pager diff --stat --patch -- tests/golden docs README.md

lock: setup ## fit requirements.lock to pyproject.toml; pins that still fit stay (remove the file first to renew them all)
	$(BIN)/uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.12 --generate-hashes \
	  --no-config --custom-compile-command 'make lock' --quiet -o requirements.lock

clean: ## remove the virtual environment and every cache (never ./data)
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.project: pyproject.toml $(VENV)/.locked
	@if command -v uv >/dev/null 2>&1; \
	 then uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	 else $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .; fi
	@touch $@

$(VENV)/.locked: requirements.lock | $(BIN)/python
	@echo "installing the locked dependencies"
	@if command -v uv >/dev/null 2>&1; \
	 then uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock; \
	 else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; fi
	@touch $@

# A candidate counts when it runs and is of a locked version: a pyenv shim can be on the PATH and still refuse to run.
$(BIN)/python:
	@if command -v uv >/dev/null 2>&1; then exec uv venv --quiet --clear --python '>=3.12,<3.14' $(VENV); fi; \
	 for python in $(CANDIDATES); do \
	   if "$$python" -c '$(SUPPORTED)' 2>/dev/null && "$$python" -c 'import ensurepip' 2>/dev/null; \
	   then echo "making $(VENV) with $$python"; exec "$$python" -m venv --clear $(VENV); fi; \
	 done; \
	 echo "No Python 3.12 or 3.13 with its venv module was found. Install uv (it brings its own Python) or Python 3.12:" >&2; \
	 echo "  Ubuntu: apt install python3.12-venv   macOS: brew install uv   anywhere: pipx install uv" >&2; \
	 echo "then run make again." >&2; exit 2
