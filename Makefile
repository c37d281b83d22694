# `make help` lists the targets. Set-up is part of each: it goes into .venv, from the locks.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
ENGINE := $(BIN)/python orchestrate.py
DEMO := $(ENGINE) --home warehouse/demo
RESOLVE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-header --no-strip-extras --quiet
RUN := --extra alerts --extra jira --extra demo
# modules that are never imported, or so seldom that Python may compile them then
UNREAD := /(tests?|apprise/plugins|fontTools/[^/]+|pygments/lexers)/

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test test-fast lint check wheels schemas docs bench protocol soak spark lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 11

setup: .venv/installed .venv/importable  ## create .venv with what runs, from requirements.lock

setup-dev: .venv/developed .venv/importable  ## add what tests and checks need, from requirements-dev.lock

# Compiled without UNREAD it is a tenth smaller and ready sooner than with pip's own compilation.
# Only Python 3.11 puts setuptools into a new environment; nothing here uses it.
.venv/installed: requirements.lock
	$(PYTHON) -m venv .venv
	$(PIP) install --no-compile --require-hashes -r requirements.lock
	$(PIP) --quiet uninstall --yes setuptools
	$(BIN)/python -m compileall -q -j 0 -x '$(UNREAD)' .venv/lib
	@touch $@

# the folder that holds .venv, from where packages are: dbt finds `ml` wherever it is typed
.venv/importable: .venv/installed
	@echo ../../../.. \
		> $$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/house_ware_clv.pth
	@touch $@

# the same versions and more: what is there already is not installed again
.venv/developed: requirements-dev.lock .venv/installed
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

demo: setup  ## run the main job on real data (CDNOW) in warehouse/demo
	$(BIN)/python -m ml.delivery.demo warehouse/demo
	$(DEMO) load
	$(DEMO) tune --cutoff 1997-12-31 --pred 3
	$(DEMO) train --cutoff 1997-12-31
	$(DEMO) run
	$(DEMO) status
	@echo
	@echo "Look at:"
	@echo "  warehouse/demo/warehouse/outputs/report.html   the page for people"
	@echo "  warehouse/demo/warehouse/clv.duckdb   the marts, schema marts"
	@echo "  warehouse/demo/warehouse/outputs/     one set of CSV files per scoring batch"
	@echo "  warehouse/demo/warehouse/models/      the champion, its card and the ledger"
	@echo "or ask the warehouse:"
	@echo "  $(BIN)/python -c \"import duckdb; print(duckdb.connect('warehouse/demo/warehouse/clv.duckdb', read_only=True).sql('from marts.clv_cluster_ranking order by cutoff desc, cluster_rank limit 8'))\""

test: setup-dev  ## run all tests but the slow ones
	$(BIN)/python -m pytest -n 2

test-fast: setup-dev  ## run the tests that start no command, within a minute
	$(BIN)/python -m pytest -n 2 --fast

lint: setup-dev  ## ruff, types, SQL style, which package may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/sqlfluff lint dbt_project/models dbt_project/analyses dbt_project/macros dbt_project/tests
	$(BIN)/sqlfluff lint --templater placeholder ml
	$(BIN)/lint-imports

check: lint test  ## lint, then all tests but the slow ones

wheels: setup-dev  ## ask the package index: wheels of both locks for Python 3.11 to 3.14, and MetricFlow on the marts
	$(BIN)/python -m pytest -n 2 --dist=load -m network

schemas: setup  ## write the JSON schema of every command's answer into docs/schemas
	$(BIN)/python -m ml.terminal.schemas docs/schemas

docs: setup  ## write the dbt docs of the demo as one page
	$(DEMO) docs

bench: setup  ## time the engine beside a bare script and lifetimes, on generated logs (BENCH="--customers N")
	$(BIN)/python bench/bench.py $(BENCH)

protocol: setup  ## judge the recipe in every case of simulated shops and CDNOW; an hour or two (PROTOCOL="--every 4")
	$(BIN)/python bench/protocol.py $(PROTOCOL)

soak: setup-dev  ## the slow tests: crashes at random points, large data
	$(BIN)/python -m pytest -m slow

spark: setup-dev  ## add Spark to .venv (needs Java 17), then run its tests
	$(PIP) install --require-hashes -r requirements-spark.lock
	@printf '%s\n' "$(CURDIR)" "$(CURDIR)/dbt_project/spark" \
		> $$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/clv_spark.pth
	$(BIN)/python -m pytest tests/dbt_project/test_spark.py -m "slow or not slow"

lock:  ## resolve the locks anew, versions stay where they can (needs uv; LOCK="--upgrade-package X")
	$(RESOLVE) $(RUN) $(LOCK) -o requirements.lock
	$(RESOLVE) $(RUN) --extra dev -c requirements.lock -o requirements-dev.lock
	$(RESOLVE) $(RUN) --extra dev --extra spark -c requirements-dev.lock -o requirements-spark.lock

clean:  ## remove .venv, caches and the demo
	rm -rf .venv warehouse/demo dbt_project/target dbt_project/logs .pytest_cache .ruff_cache .import_linter_cache
