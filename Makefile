# Every target with a sentence after ## is listed by `make help`. Works with GNU make 3.81 (macOS).

PYTHON ?= python3
KAFKA ?= embedded
DEMO_SECONDS ?=
DATA ?= ../shared/data
SEED ?= 1

BIN := .venv/bin
READY := .venv/.ready
BROKER := infra/kafka/kafka

# In this order: a submake must not start tests while the formatter is writing.
.NOTPARALLEL:
.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Settings: PYTHON=$(PYTHON) KAFKA=$(KAFKA) (embedded|local) DEMO_SECONDS=60"

.PHONY: setup
setup: $(READY) ## Create .venv with exactly what requirements.lock names (fast the second time).

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "probewatch needs Python 3.11 or newer, but PYTHON=$(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Install one and say which, for example: make setup PYTHON=python3.12" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: demo
demo: setup ## Watch a campaign being found, until Ctrl-C or for DEMO_SECONDS (KAFKA=local: on a real Kafka).
	@test "$(KAFKA)" != local || $(BROKER) fetch
	$(BIN)/probewatch demo --kafka $(KAFKA) $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

.PHONY: check
check: lint test ## What CI runs: lint, then test.

.PHONY: test
test: setup kafka-jars ## Run all tests, those on a real Kafka too.
	$(BIN)/python -m pytest

.PHONY: test-unit
test-unit: setup ## Run the tests that need no Kafka.
	$(BIN)/python -m pytest -m "not integration"

.PHONY: lint
lint: setup ## Check style, types and the direction of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

.PHONY: fmt
fmt: setup ## Format the code and mend what can be mended safely.
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: schemas
schemas: setup ## Generate the checked-in JSON Schemas and asyncapi.yaml from the structs.
	$(BIN)/python -m schemas.generate

.PHONY: bench
bench: setup kafka-jars ## Run the benchmarks (tests/bench/bench_*.py) and print their figures.
	$(BIN)/python -m pytest tests/bench -o python_files='bench_*.py' -s

.PHONY: real-input
real-input: setup ## Replay 200,000 real prompts with real timing and score the alerts (needs DATA, SEED=1).
	@test -d "$(DATA)" || { echo "DATA=$(DATA) is not there: it is the traffic data set, which is not part of this repository" >&2; exit 2; }
	$(BIN)/python -m tests.worlds.real_input --data $(DATA) --out build/world-$(SEED) --seed $(SEED)
	$(BIN)/probewatch replay --events build/world-$(SEED)/events.jsonl.gz --alerts build/world-$(SEED)/alerts.jsonl
	$(BIN)/python -m tests.worlds.score build/world-$(SEED)/truth.json build/world-$(SEED)/alerts.jsonl

.PHONY: lock
lock: setup ## Resolve the dependencies again into requirements.lock, for every platform and Python.
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate -q -o requirements.lock

.PHONY: kafka-jars
kafka-jars: setup
	@if command -v java >/dev/null && command -v mvn >/dev/null; then $(BROKER) fetch; \
	elif [ "$${CI:-}" = true ]; then echo "CI needs java and mvn for the tests on a real Kafka" >&2; exit 1; \
	else echo "*** no java or no mvn: the tests on a real Kafka will be SKIPPED ***" >&2; fi

.PHONY: kafka-start
kafka-start: setup ## Start a real Kafka on this machine and print its address.
	@$(BROKER) fetch
	@$(BROKER) start

.PHONY: kafka-stop
kafka-stop: setup ## Stop that Kafka; its data stay.
	@$(BROKER) stop

.PHONY: clean
clean: ## Remove caches, build output and the local Kafka's data (not .venv, not the Kafka jars).
	@test ! -x $(BIN)/python || $(BROKER) wipe
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
