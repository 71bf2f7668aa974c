.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
BOOTSTRAP := $(PYTHON) nexus/stack/bootstrap.py

# What the checks that load the settings need to see; they talk to no server.
SETTINGS := DATABASE_URL=postgresql://nobody@127.0.0.1:1/none \
	CACHE_URL=redis://127.0.0.1:1/0 BROKER_URL=redis://127.0.0.1:1/1 \
	NEXUS_SECRET_KEY=only-for-checks-only-for-checks-only \
	NEXUS_KEY_PEPPERS=1:only-for-checks-only-for-checks-only \
	NEXUS_ENCRYPTION_KEYS=b25seS1mb3ItY2hlY2tzLW9ubHktZm9yLWNoZWNrcy0= \
	NEXUS_DATA_DIR=/nonexistent NEXUS_LOG_LEVEL=ERROR

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: ## start Nexus here, and stay with its logs (NEXUS_PORT, NEXUS_HOST, NEXUS_DATA_DIR)
	@$(BOOTSTRAP) up

.PHONY: down
down: ## stop it, from another terminal
	@$(BOOTSTRAP) down

.PHONY: dev
dev:
	@$(BOOTSTRAP) dev

.PHONY: test
test: dev ## everything CI runs
	@failed=; for check in lint types migrations schema tests; do \
		echo "── $$check"; $(MAKE) --no-print-directory $$check || failed="$$failed $$check"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

.PHONY: tests
tests: dev ## the tests alone
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m "not storm"

.PHONY: storm
storm: dev ## the long fault and load tests
	@$(BIN)/python -m pytest -q -m storm

.PHONY: lint
lint: dev ## ruff's checks and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

.PHONY: format
format: dev ## bring the code into ruff's format
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

.PHONY: types
types: dev ## mypy with django-stubs
	@$(SETTINGS) $(BIN)/mypy

.PHONY: migrations
migrations: dev ## no model without its migration
	@$(SETTINGS) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

.PHONY: schema
schema: dev ## the OpenAPI document is valid and complete
	@$(SETTINGS) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make requirements" --quiet

.PHONY: requirements
requirements: ## lock the dependencies of pyproject.toml (needs uv)
	@$(COMPILE) pyproject.toml -o requirements.txt
	@$(COMPILE) -c requirements.txt --group pyproject.toml:dev pyproject.toml -o requirements-dev.txt

.PHONY: clean
clean: ## remove .venv and caches; the data stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
