# Every target sets up what it needs: Python >= 3.11, make and a network are enough.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
UV = $$(command -v uv || echo .tools/bin/uv)
UV_COMPILE = pip compile --universal --generate-hashes --no-emit-index-url --no-header -q --python-version 3.11
BUNDLES := stream api ingest signals push load batch

.PHONY: run test bench parity soak faults guards bill fmt synth templates lists audit deploy cdk condvest lock lock-image

run: $(VENV)/.ready
	@$(BIN)/condvest up $(ARGS)

condvest: $(VENV)/.ready
	@$(BIN)/condvest $(ARGS)

test: $(VENV)/.ready
	@$(BIN)/python -m tests.check

parity: $(VENV)/.ready
	@EXAMPLES=all PYTHONPATH="$(CURDIR)" $(BIN)/pytest -q tests/parity tests/end_to_end tests/faults

# SEED=17 plays one seed of the model again; ARGS="--minutes 10" shortens the replay.
soak: $(VENV)/.ready
	@EXAMPLES=all PYTHONPATH="$(CURDIR)" $(BIN)/pytest -q tests/model
	@$(if $(SEED),,$(BIN)/python -m tests.soak $(ARGS))

bench: $(VENV)/.ready
	@$(BIN)/python -m tests.benchmarks

faults: $(VENV)/.ready
	@$(BIN)/python -m tests.fault_table

# ARGS="F05 F06" tries the guards of these faults alone.
guards: $(VENV)/.ready
	@$(BIN)/python -m tests.guards $(ARGS)

bill: $(VENV)/.ready
	@PYTHONPATH="$(CURDIR)" $(BIN)/python -m local_dev.cost

synth: $(VENV)/.ready
	@$(BIN)/python -m stacks.synth $(ARGS)

# What the templates grant and keep: docs/rights.md and docs/kept.md, to be read before they are committed.
lists: $(VENV)/.ready
	@PYTHONPATH="$(CURDIR)" $(BIN)/python -m stacks.audit

# Known vulnerabilities of what is deployed, asked of the index over the network; what it does not know fails as well.
audit: .tools/uv
	@$(UV) tool run --quiet pip-audit==2.10.1 --strict --require-hashes --disable-pip $(BUNDLES:%=-r locks/%.txt)

# Plain CloudFormation with its assets, in templates.out.
templates: $(VENV)/.ready
	@$(BIN)/python -m stacks.plain $(ARGS)

# ARGS="-c environment=prod -c symbols=SPY,QQQ" chooses; docs/deployment.md has the whole way.
deploy: $(VENV)/.ready
	@$(BIN)/python -m stacks.deploy $(ARGS)

# The CDK's own command line, in the version that deploys: ARGS="bootstrap aws://ACCOUNT/REGION".
cdk: $(VENV)/.ready
	@$(BIN)/python -m stacks.deploy.cdk_cli $(ARGS)

fmt: $(VENV)/.ready
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

# The digest of the image that ours are built from: before a first deployment, and for a newer base.
lock-image: $(VENV)/.ready
	@$(BIN)/python -m stacks.constructs.base_image

lock: $(VENV)/.ready .tools/uv
	$(UV) $(UV_COMPILE) pyproject.toml --group dev -o locks/dev.txt
	for bundle in $(BUNDLES); do $(UV) $(UV_COMPILE) --group pyproject.toml:$$bundle -o locks/$$bundle.txt; done
	@$(BIN)/python -m stacks.constructs.base_image
	@$(BIN)/python -m stacks.constructs.connector

.tools/uv:
	@command -v uv >/dev/null || { $(PYTHON) -m venv .tools && .tools/bin/python -m pip install -q uv==$(UV_VERSION); }
	@mkdir -p .tools && touch $@

# Bytecode is compiled here once: without it every start pays for it (six times the import time of aws_cdk).
$(VENV)/.ready: pyproject.toml locks/dev.txt .tools/uv
	@echo "setting up $(VENV) (once)"
	@test -d $(VENV) || $(UV) venv -q --python $(PYTHON) $(VENV)
	@$(UV) pip sync -q --python $(BIN)/python --require-hashes --compile-bytecode locks/dev.txt
	@printf '#!/bin/sh\nPYTHONPATH="$(CURDIR)" exec "$(CURDIR)/$(BIN)/python" -m local_dev.cli "$$@"\n' > $(BIN)/condvest && chmod +x $(BIN)/condvest
	@touch $@
