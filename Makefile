# `make help` lists the targets. Set-up is part of each: it goes into .venv, from the lock.
PYTHON ?= python3
BIN := .venv/bin
ENGINE := $(BIN)/python orchestrate.py
DEMO := $(ENGINE) --home warehouse/demo

.DEFAULT_GOAL := help
.PHONY: help setup demo test check schemas docs bench soak spark lock clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: .venv/installed  ## create .venv and install the locked packages

.venv/installed: requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
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

test: setup  ## run all tests but the slow ones
	$(BIN)/python -m pytest -n 2

check: setup  ## ruff, types, SQL style, then the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/sqlfluff lint dbt_project/models dbt_project/analyses
	$(BIN)/python -m pytest -n 2

schemas: setup  ## write the JSON schema of every command's answer into docs/schemas
	$(BIN)/python -m ml.terminal.schemas docs/schemas

docs: setup  ## write the dbt docs of the demo as one page
	$(DEMO) docs

bench: setup  ## time the engine beside a bare script and lifetimes, on generated logs (BENCH="--customers N")
	$(BIN)/python bench/bench.py $(BENCH)

soak: setup  ## the slow tests: crashes at random points, large data
	$(BIN)/python -m pytest -m slow

spark: setup  ## add Spark to .venv (needs Java 17), then run its tests
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.lock
	@printf '%s\n' "$(CURDIR)" "$(CURDIR)/dbt_project/spark" \
		> $$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/clv_spark.pth
	$(BIN)/python -m pytest tests/dbt_project/test_spark.py -m "slow or not slow"

lock:  ## resolve the lock files anew (needs uv)
	uv pip compile pyproject.toml --extra demo --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-strip-extras -o requirements.lock
	uv pip compile pyproject.toml --extra spark --extra demo --extra dev --universal \
		--python-version 3.11 --generate-hashes --no-header --no-strip-extras \
		-c requirements.lock -o requirements-spark.lock

clean:  ## remove .venv, caches and the demo
	rm -rf .venv warehouse/demo dbt_project/target dbt_project/logs .pytest_cache .ruff_cache
