# `make up` and `make test` are the two commands; everything they need is installed by them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down status verify tour test thorough lint unit contract browser conformance faults clouds servers sizes pages root bare e2e sdks bench locks modules schema

PROFILE ?= local
VENV := .venv
RUN := $(VENV)/bin
export UV_NO_PROGRESS := 1

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

up: $(VENV)/.runtime ## Install everything: tools, cluster, components, control plane, first tenant
	$(RUN)/platform up --profile $(PROFILE) --yes

down: $(VENV)/.runtime ## Remove everything again
	$(RUN)/platform down --profile $(PROFILE) --yes

status: $(VENV)/.runtime ## Say what is installed and whether it works
	$(RUN)/platform status --profile $(PROFILE)

tour: $(VENV)/.runtime ## Walk from a notebook to a served model and its lineage
	$(RUN)/platform tour --profile $(PROFILE)

verify: $(VENV)/.runtime ## Prove the user story and the isolation of tenants
	$(RUN)/platform verify --profile $(PROFILE)

test: lint unit contract ## Check the code in a few minutes: no cluster nodes, no root needed

thorough: browser conformance faults clouds pages root ## Check what takes longer: a browser, faults with kill -9, clouds, hosts

lint: $(VENV)/.dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

unit: $(VENV)/.dev
	$(RUN)/pytest tests/unit -q -n 2

contract: $(VENV)/.dev
	$(RUN)/python -m infra.cli.main tools --for tests >/dev/null
	$(RUN)/pytest tests/contract -q -rs -n 2 --dist loadgroup -m "not slow"

browser: $(VENV)/.dev
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; fi
	$(RUN)/pytest tests/browser -q -rs -m "not slow"

pages: $(VENV)/.dev
	$(RUN)/pytest tests/browser -q -rs -m slow

conformance: $(VENV)/.dev
	$(RUN)/python -m infra.cli.main tools --for tests >/dev/null
	$(RUN)/pytest tests/contract/kubernetes_provider tests/contract/engine -q -rs -n 2 --dist loadgroup

faults: $(VENV)/.dev
	$(RUN)/python -m infra.cli.main tools --for tests >/dev/null
	$(RUN)/pytest tests/contract -q -rs -n 2 --dist loadgroup -m slow \
	  --ignore tests/contract/kubernetes_provider --ignore tests/contract/engine --ignore tests/contract/clouds

clouds: $(VENV)/.dev
	$(RUN)/python -m infra.cli.main tools --for tests >/dev/null
	$(RUN)/pytest tests/contract/clouds -q -rs -n 2 --dist loadgroup -k "not medium and not large" \
	  --ignore tests/contract/clouds/test_state.py --ignore tests/contract/clouds/test_scaling.py

servers: $(VENV)/.dev ## Check state in gs and azblob, and Karpenter, against real servers of theirs (about 10 minutes)
	$(RUN)/python -m infra.cli.main tools --for clouds >/dev/null
	$(RUN)/pytest tests/contract/clouds/test_state.py tests/contract/clouds/test_scaling.py -q -rs

sizes: $(VENV)/.dev ## Check the clouds' programs at sizes medium and large too
	$(RUN)/python -m infra.cli.main tools --for tests >/dev/null
	$(RUN)/pytest tests/contract/clouds -q -rs -n 2 --dist loadgroup -k "medium or large"

root: $(VENV)/.dev
	$(RUN)/pytest tests/root -q -rs --ignore tests/root/test_planes.py \
	  --deselect tests/root/test_onprem.py::test_hosts_become_a_cluster_that_outlives_one_of_them_and_leave_no_trace

bare: $(VENV)/.dev ## Check clusters on bare hosts over SSH and several control planes (root, about 15 minutes)
	$(RUN)/pytest tests/root/test_onprem.py tests/root/test_planes.py -q -rs -rP

e2e: $(VENV)/.dev ## up, verify, tour, down on real nodes (root)
	tests/e2e/run

sdks: $(VENV)/.runtime ## Run the SDKs' own examples as a member with a token, on the installation of PROFILE
	$(RUN)/python -m tests.e2e.sdks --profile $(PROFILE)

bench: $(VENV)/.dev ## Print the figures: workspace create, requests, no-op reconcile, memory
	$(RUN)/python -m tests.bench

locks: $(VENV)/.dev ## Write the requirement locks anew (network)
	$(RUN)/python tests/tools/locks.py

modules: $(VENV)/.dev ## Bring libraries that Go tools share to the same versions (network)
	$(RUN)/python tests/tools/modules.py

schema: $(VENV)/.dev ## Write profiles/schema.json anew
	$(RUN)/platform schema > profiles/schema.json

$(VENV)/bin/uv: infra/bootstrap.lock
	@tests/tools/venv $(VENV)
	$(RUN)/python -m pip install -q --disable-pip-version-check --require-hashes -r infra/bootstrap.lock
	@touch $@

$(VENV)/.runtime: $(VENV)/bin/uv infra/requirements.lock pyproject.toml
	@if [ ! -e $(VENV)/.dev ]; then $(RUN)/uv pip install -q --python $(RUN)/python --require-hashes -r infra/requirements.lock; fi
	$(RUN)/uv pip install -q --python $(RUN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/uv tests/requirements.lock pyproject.toml
	$(RUN)/uv pip install -q --python $(RUN)/python --require-hashes -r tests/requirements.lock
	$(RUN)/uv pip install -q --python $(RUN)/python --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.runtime
