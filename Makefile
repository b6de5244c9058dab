# make repro   run the pipeline on synthetic crystals; test the released model on real ones
# make test    check style, types and layers; run the tests with coverage
# make docs    build the documentation site in site/
# Both install the project first if necessary. They need python3, git and make.
.PHONY: repro test setup lint bench docs clean
# uv expects the environment here.
VENV := .venv
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
PYTHON ?= python3

repro: setup
	$(RUN) dvc repro
	$(RUN) gromega results

test: lint
	$(RUN) OPENBLAS_NUM_THREADS=1 pytest --numprocesses 2 --dist loadfile --cov --cov-report=term:skip-covered --cov-fail-under=90

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "gromega needs Python 3.11 or later; name one: make PYTHON=python3.12"; exit 2; }
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || \
	  $(PYTHON) -m venv --clear $(VENV) || \
	  { echo "python3 cannot create environments; on Debian: apt install python3-venv"; exit 2; }
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
	  "uv==$$(sed -n '/^name = "uv"/{n;s/version = "\(.*\)"/\1/p}' uv.lock)"
	$(VENV)/bin/uv sync --locked --inexact --quiet --compile-bytecode \
	  --python $(VENV)/bin/python
	@touch $@

lint: setup
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) lint-imports --no-cache

docs: setup
	$(RUN) NO_MKDOCS_2_WARNING=1 mkdocs build --strict

bench: setup
	$(RUN) python benchmarks/bench.py
	$(RUN) python benchmarks/gathering.py
	$(RUN) python benchmarks/predict.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .coverage
