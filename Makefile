.DEFAULT_GOAL := help
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)

.PHONY: help
help:
	@echo "make up      start Nexus here"
	@echo "make down    stop it"
	@echo "make test    everything CI runs"
	@echo "make storm   the long fault and load tests"
