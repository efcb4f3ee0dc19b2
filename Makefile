# make help lists the targets. Every target installs what it needs into .venv first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PARTS := proxy chassis monolith/shopsmart extracted/shopsmart/catalog compose migration-guide
MANIFESTS := $(addsuffix /pyproject.toml,$(PARTS)) constraints.txt requirements-dev.txt
STAMP := $(VENV)/.installed
PYTHON_HERE := $(CURDIR)/$(BIN)/python
BENCHMARKS := lag capture_cost checkout cpu_per_request
ON_POSTGRESQL := chassis monolith/shopsmart extracted/shopsmart/catalog

.PHONY: help setup demo test test-all postgresql check format bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## put every part, editable, into .venv

$(STAMP): $(MANIFESTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "stranglerfig needs Python 3.11 or newer; this is %s. Point PYTHON at one: make setup PYTHON=python3.12" % sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (once; about a minute)"
	@PIP_CONSTRAINT=$(CURDIR)/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -q -r requirements-dev.txt $(foreach part,$(PARTS),-e ./$(part))
	@touch $(STAMP)

demo: setup ## the shop, its first service and the proxy; the catalogue moves while shoppers browse and buy (ONCE=1: end after the walk)
	@$(BIN)/python -m demo $(if $(ONCE),--once)

test: setup ## the fast tests of every part; needs no server
	@failed=; $(call on_sqlite,-m 'not slow') $(tell_failed)

test-all: setup postgresql ## test, then the slow tests too: journeys, load, killed processes; and all of Django's on PostgreSQL
	@failed=; $(call on_sqlite,) $(on_postgresql) $(tell_failed)

# Every part is tried, whatever another one says; what failed is named at the end, and what was skipped where it was.
define on_sqlite
for part in $(PARTS) tests; do \
	echo "== $$part"; \
	(cd $$part && $(PYTHON_HERE) -m pytest -q -rs $(1)) || failed="$$failed $$part"; \
done;
endef

define on_postgresql
for part in $(ON_POSTGRESQL); do \
	echo "== $$part, on PostgreSQL"; \
	(cd $$part && $(PYTHON_HERE) $(CURDIR)/tests/servers/postgresql.py -- $(PYTHON_HERE) -m pytest -q -rs) \
		|| failed="$$failed $$part(PostgreSQL)"; \
done;
endef

tell_failed = [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

postgresql: setup
	@$(BIN)/python tests/servers/programs.py

check: setup ## format, lint, types, import contracts, migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy -p stranglerfig -p chassis -p demo -p card_gateway -p guidebook
	@$(BIN)/lint-imports --no-cache
	@cd monolith/shopsmart && $(CURDIR)/$(BIN)/python manage.py makemigrations --check --dry-run
	@cd extracted/shopsmart/catalog && $(CURDIR)/$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python -m guidebook check

format: setup ## let ruff format and mend what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup postgresql ## lag, cost of capture, checkouts; CPU per proxied request (needs nginx and wrk). About ten minutes
	@failed=; cd tests && for each in $(BENCHMARKS); do \
		echo "== $$each"; $(PYTHON_HERE) -m benchmarks.$$each || failed="$$failed $$each"; \
	done; $(tell_failed)

clean: ## remove .venv and what the demo left
	rm -rf $(VENV) .demo
