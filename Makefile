# Every command of the project stands here, once; people, pre-commit and CI call these targets.
# Needs GNU make and Python 3.11 or later; nothing else has to be installed or configured.

PYTHON ?=
VENV ?= .venv
WORKERS ?= 2
ARGS ?=

BIN := $(VENV)/bin
PEERS := build/peers
CODE := recsysops detectors/recsysops_detectors alerts/recsysops_alerts dashboards/recsysops_dashboards
# Console scripts hold absolute paths: an environment counts as set up only in the folder it was made in.
HERE := $(shell printf %s '$(CURDIR)' | cksum | cut -d ' ' -f 1)
LOCKED := $(VENV)/.locked-$(HERE)
READY := $(VENV)/.ready-$(HERE)
# A found command may be a shim without a Python behind it, so each candidate is run, the best tried ones first.
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3.14 python3 python)
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo movietweetings bench-speed nightly bench-prediction test check format lint types layers cover wheel docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make the environment in .venv from the hash-locked dependencies (PYTHON=... picks an interpreter)

demo: setup ## Simulate a streaming service, run the whole cycle on it, show the board (ONESHOT=1 ends there)
	@$(BIN)/recsysops demo $(if $(ONESHOT),--oneshot)

movietweetings: setup ## Real data end to end: ingest, backtest against the goals, a cycle, the board (DATA=... names their folder)
	@$(BIN)/python -P benchmarks/movietweetings.py $(if $(DATA),--data $(DATA))

bench-speed: setup $(PEERS)/.locked ## Measure speed against peers in the same run (SMALL=1 smokes it, ONLY=name measures one part)
	@$(BIN)/python benchmarks/speed/run.py --peer-python $(PEERS)/bin/python $(if $(SMALL),--small) $(if $(ONLY),--only $(ONLY))

bench-prediction: setup $(PEERS)/.locked ## Measure prediction against baselines in the same run (SMALL=1 smokes it, ONLY=predictor, WORLD=name, SEEDS=n, HORIZON=days, DATA=folder)
	@$(BIN)/python benchmarks/prediction/run.py --peer-python $(PEERS)/bin/python $(if $(SMALL),--small) $(if $(ONLY),--only $(ONLY)) \
		$(if $(WORLD),--world $(WORLD)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(HORIZON),--horizon $(HORIZON)) $(if $(DATA),--data $(DATA))

nightly: setup ## Model promises with large counts: 100,000 hostile models, 1,000 kills, 1,000 replays (ARGS="--mutants 2000" fewer)
	@$(BIN)/python -P benchmarks/reliability/nightly.py $(ARGS)

test: setup ## Run all tests (ARGS="-k words" picks some, WORKERS=0 uses one process)
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: lint types layers wheel cover ## Everything CI runs: format, lint, types, layers, wheel, tests with coverage

format: setup ## Put the code into the project's format
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

lint: setup ## Check format and style
	@$(BIN)/ruff format --quiet --diff .
	@$(BIN)/ruff check .

types: setup ## Check types
	@$(BIN)/mypy $(CODE) tests/typing/api.py

layers: setup ## Check who imports whom
	@$(BIN)/lint-imports --no-logo --no-cache

cover: setup ## Run all tests and measure branch coverage
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term $(ARGS)

wheel: setup ## Build the wheel and use it in a clean environment
	@rm -rf build/wheel && mkdir -p build/wheel/empty
	@$(BIN)/hatchling build -t wheel -d build/wheel > build/wheel/build.log 2>&1 || { cat build/wheel/build.log; exit 1; }
	@$(BIN)/python -m venv build/wheel/venv
	@$(call install,build/wheel/venv,requirements/run.lock)
	@build/wheel/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps build/wheel/*.whl
	@cd build/wheel/empty && for words in --help plugins init; do \
		../venv/bin/recsysops $$words > ../run.log 2>&1 || { cat ../run.log; echo "The wheel's \`recsysops $$words\` failed in a clean environment."; exit 1; }; \
	done
	@echo "The wheel works in a clean environment: $$(ls build/wheel/*.whl)"

docs: setup ## Write what is generated again: catalogue, settings, cli, metrics, Prometheus rules
	@$(BIN)/python -P -m recsysops.testing.documents .
	@mkdir -p build
	@$(BIN)/python -P -c 'from recsysops_alerts.rules import rules_yaml; print(rules_yaml(), end="")' > build/rules.yaml
	@mv build/rules.yaml alerts/rules/recsysops.yaml
	@$(BIN)/python -P -c 'from recsysops_dashboards._grafana import grafana_json; print(grafana_json(), end="")' > build/grafana.json
	@mv build/grafana.json dashboards/grafana/recsysops.json

lock: setup ## Resolve the dependencies again within pyproject.toml's bounds (UPGRADE=1 takes newer versions)
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/uv.in -o requirements/uv.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --group dev pyproject.toml -o requirements/dev.lock
	@$(COMPILE) -c requirements/dev.lock pyproject.toml -o requirements/run.lock
	@$(COMPILE) -c requirements/dev.lock --extra postgresql pyproject.toml -o requirements/server.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/peers.in -o requirements/peers.lock

clean: ## Remove the environment, builds and caches
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find $(CODE) tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# uv is many times faster than pip but does not read pip's configuration: index and certificate are handed to it, and
# where that is not enough (a proxy, a folder of wheels, no network), pip does the same work from the same hashes.
define install
	index=$$($(1)/bin/python -m pip config list 2>/dev/null | sed -n "s/.*\.index-url='\(.*\)'$$/\1/p" | tail -n 1); \
	cert=$$($(1)/bin/python -m pip config list 2>/dev/null | sed -n "s/.*\.cert='\(.*\)'$$/\1/p" | tail -n 1); \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$index}"; fi; \
	if [ -n "$$cert" ]; then export SSL_CERT_FILE="$${SSL_CERT_FILE:-$$cert}"; fi; \
	{ [ -x $(BIN)/uv ] && $(BIN)/uv pip install --quiet --python $(1)/bin/python --require-hashes --compile-bytecode -r $(2) 2> $(1)/uv.log; } \
	|| { echo "uv could not install them, pip does (a minute or two)."; \
		$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(2) 2> $(1)/pip.log \
		|| { tail -n 20 $(1)/pip.log; exit 1; }; }
endef

# What we are measured against needs other versions of what we stand on.
$(PEERS)/.locked: requirements/peers.lock | $(READY)
	@echo "Setting up $(PEERS), what we are measured against: once, about a minute."
	@$(BIN)/python -m venv --clear $(PEERS)
	@$(call install,$(PEERS),requirements/peers.lock)
	@touch $@

$(LOCKED): requirements/dev.lock requirements/uv.lock
	@found=; usable=; for candidate in $(CANDIDATES); do \
		"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' > /dev/null 2>&1 || continue; \
		found=$${found:-$$candidate}; \
		if "$$candidate" -c 'import ensurepip, venv' > /dev/null 2>&1; then usable=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "No Python 3.11 or later was found (tried: $(CANDIDATES))."; \
		echo "Install one (Debian, Ubuntu: sudo apt-get install python3 python3-venv; Fedora: sudo dnf install python3;"; \
		echo "macOS: brew install python) or name it: make setup PYTHON=/path/to/python3"; exit 1; \
	fi; \
	if [ -z "$$usable" ]; then \
		echo "\"$$found\" cannot make environments: its venv or ensurepip module is missing."; \
		echo "Debian, Ubuntu: sudo apt-get install python3-venv (or, for one of several Pythons, python3.X-venv)"; exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$usable" --version): once, about a minute."; \
	"$$usable" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock \
		2> $(VENV)/pip-uv.log || true
	@$(call install,$(VENV),requirements/dev.lock)
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -c 'import lightgbm' > /dev/null 2> $(VENV)/lightgbm.log || { \
		cat $(VENV)/lightgbm.log | tail -n 1; \
		echo "LightGBM cannot be loaded; most often the OpenMP runtime is missing. Install it and run this again:"; \
		echo "  Debian, Ubuntu: sudo apt-get install libgomp1"; \
		echo "  Fedora, RHEL:   sudo dnf install libgomp"; \
		echo "  Arch:           sudo pacman -S gcc-libs"; \
		echo "  macOS:          brew install libomp"; exit 1; }
	@touch $@
