# make help lists the targets. Every target installs what it needs into .venv first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PARTS := proxy chassis monolith/shopsmart extracted/shopsmart/catalog compose migration-guide
MANIFESTS := $(addsuffix /pyproject.toml,$(PARTS)) constraints.txt requirements-dev.txt
STAMP := $(VENV)/.installed
FUZZ_STAMP := $(VENV)/.installed-fuzz
# What builds the parts is installed first, or pip would make a place of its own for each; and what is never imported
# need not be compiled.
INSTALL = PIP_CONSTRAINT=$(CURDIR)/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -qq --no-compile
PYTHON_HERE := $(CURDIR)/$(BIN)/python
BENCHMARKS := lag capture_cost checkout first_comparison comparison
# What `make bench` hands on, where it is given: CASES=small,canary PEERS=stranglerfig,nginx ROUNDS=5 SECONDS=4.
BENCH_OUT ?= .bench
BENCH_OPTIONS = $(if $(CASES),--cases $(CASES)) $(if $(PEERS),--peers $(PEERS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))
ON_POSTGRESQL := monolith/shopsmart chassis extracted/shopsmart/catalog
IMAGES := proxy monolith/shopsmart extracted/shopsmart/catalog compose/card_gateway compose/mail_catcher
# Two suites at a time, in the order in which they are named: the longest first. All are run, whatever one of them says.
SUITES = $(PYTHON_HERE) -m suites
SHIPPING = $(PYTHON) .github/pipelines/shipping.py
# Demo and tests start processes by the hundred: what one has compiled, the others need not compile again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo stack-files guide test test-all test-part postgresql check format pipelines image try-image push-image deploy test-compose bench bench-shop soak fuzz clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(STAMP) ## put every part, editable, into .venv

$(STAMP): $(MANIFESTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "stranglerfig needs Python 3.11 or newer; this is %s. Point PYTHON at one: make setup PYTHON=python3.12" % sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (once; about a minute)"
	@$(INSTALL) hatchling editables
	@$(INSTALL) --no-build-isolation -r requirements-dev.txt $(foreach part,$(PARTS),-e ./$(part))
	@touch $(STAMP)

demo: setup ## the shop, its first service and the proxy; the catalogue moves while shoppers browse and buy (ONCE=1: end after the walk)
	@$(BIN)/python -m demo $(if $(ONCE),--once)

stack-files: ## the secrets, the fig.yaml and the .env of the system in containers (see compose/README.md)
	@cd compose && $(PYTHON) -m compose_files

guide: setup ## the migration guide as a site that can be searched, in site/
	@$(BIN)/python -m guidebook pictures
	@$(BIN)/python -m guidebook site

test: setup ## the fast tests of every part; needs no server
	@cd tests && $(SUITES) --fast $(PARTS) tests

test-all: setup postgresql ## test, then the slow tests too: journeys, load, killed processes; and all of Django's on PostgreSQL
	@cd tests && $(SUITES) tests $(PARTS) $(addsuffix @postgresql,$(ON_POSTGRESQL))

test-part: setup ## every test of one part: PART=chassis; DATABASE=PostgreSQL: there, in a server of its own
	@test -n "$(PART)" || { echo "which part? make test-part PART=chassis"; exit 2; }
	@$(if $(filter PostgreSQL,$(DATABASE)),$(BIN)/python tests/servers/programs.py)
	@cd tests && $(SUITES) --lanes 1 $(PART)$(if $(filter PostgreSQL,$(DATABASE)),@postgresql)

postgresql: setup
	@$(BIN)/python tests/servers/programs.py

check: setup ## format, lint, types, import contracts, migrations, pipelines
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy -p stranglerfig -p chassis -p demo -p card_gateway -p mail_catcher -p host_guard -p compose_files -p guidebook
	@$(BIN)/lint-imports --no-cache
	@cd monolith/shopsmart && $(CURDIR)/$(BIN)/python manage.py makemigrations --check --dry-run
	@cd extracted/shopsmart/catalog && $(CURDIR)/$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python -m guidebook check
	@$(BIN)/mypy .github/pipelines
	@$(BIN)/python .github/pipelines --check
	@$(BIN)/yamllint --strict --config-file .github/pipelines/yamllint.yaml .github
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/zizmor --quiet --offline --pedantic --strict-collection .github/workflows
	@$(BIN)/shellcheck .ci/run compose/database/databases.sh
	@$(BIN)/hadolint $(addsuffix /Dockerfile,$(IMAGES))
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose/compose*.yaml

pipelines: setup ## write .github/workflows from .github/pipelines
	@$(BIN)/python .github/pipelines

image: ## build a part's image: PART=monolith/shopsmart (needs docker)
	@$(SHIPPING) image $(PART)

try-image: ## start what image has built, and wait until it says that it is well
	@$(SHIPPING) try $(PART)

push-image: ## push what image has built to IMAGE_REGISTRY, and say its digest
	@$(SHIPPING) push $(PART)

deploy: ## hand IMAGE (by its digest) of PART to DEPLOY_COMMAND, your own, which brings it to TO=staging or production
	@IMAGE='$(IMAGE)' TO='$(TO)' $(SHIPPING) deploy $(PART)

format: setup ## let ruff format and mend what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test-compose: setup ## the system in containers, really brought up, walked through, hurt and taken down (needs a Docker engine)
	@cd tests && $(PYTHON_HERE) -m pytest -q -x containers

bench: setup ## the proxy beside nginx, Envoy and others: CPU, latency, memory (see tests/benchmarks/peers/README.md). About 15 minutes
	@cd tests && $(if $(BENCH_PEERS),BENCH_PEERS='$(abspath $(BENCH_PEERS))') $(PYTHON_HERE) -m benchmarks.proxies $(BENCH_OPTIONS) --out $(abspath $(BENCH_OUT))

bench-shop: setup postgresql ## lag, cost of capture, checkouts, the way to the first comparison, what one comparison costs. About ten minutes
	@failed=; $(if $(BENCH_PEERS),export BENCH_PEERS='$(abspath $(BENCH_PEERS))';) cd tests && for each in $(BENCHMARKS); do \
		echo "== $$each"; $(PYTHON_HERE) -m benchmarks.$$each || failed="$$failed $$each"; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

soak: setup ## the shop compared with itself: does the comparison cry where nothing differs? ANSWERS=100000 (about an hour) SEED=1
	@cd tests && $(PYTHON_HERE) -m mutants.soak --answers $(or $(ANSWERS),100000) --seed $(or $(SEED),1)

$(FUZZ_STAMP): $(STAMP) requirements-fuzz.txt
	@$(INSTALL) -r requirements-fuzz.txt
	@touch $(FUZZ_STAMP)

fuzz: setup $(FUZZ_STAMP) ## look for bytes that the proxy misreads, guided by coverage, on one core: SECONDS=3600, or RUNS=100000 of each; TARGETS="requests config"
	@cd proxy && $(PYTHON_HERE) -m pytest -q tests/fuzzing
	@cd proxy/tests && $(PYTHON_HERE) -m fuzzing --folder $(CURDIR)/.fuzz $(if $(RUNS),--runs $(RUNS),--seconds $(or $(SECONDS),3600)) $(TARGETS)
	@cd proxy/tests && $(PYTHON_HERE) -m fuzzing.reach $(CURDIR)/.fuzz/corpus

clean: ## remove .venv, and what the demo, the benchmarks and the fuzzer left
	rm -rf $(VENV) .demo .bench .fuzz
