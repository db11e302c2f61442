# make up starts the chat app on this machine, make test proves it. Everything is installed into $(VENV), nothing else.

VENV ?= .venv
BIN = $(VENV)/bin
IS_NEW_ENOUGH = import ensurepip, sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(IS_NEW_ENOUGH)' 2>/dev/null && echo "$$python" && break; done)
IMAGES = $(notdir $(wildcard app_images/*))
REQUIREMENTS = $(wildcard app_images/*/requirements.txt)
IMAGE_PACKAGES = $(foreach image,$(IMAGES),app_images/$(image)/$(subst -,_,$(image)))
PIP_INSTALL = $(BIN)/python -m pip --disable-pip-version-check install -qq
ARGS ?=

.SILENT:
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help install up down test lint clean

help: ## show this
	sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

install: $(VENV)/.installed ## install chatops and the local cloud into $(VENV)

up: install ## start the chat app on this machine and print its address (ARGS='-c my.yaml')
	$(BIN)/chatops up --yes $(ARGS)

down: install ## stop it and take everything away
	$(BIN)/chatops down --yes $(ARGS)

test: $(VENV)/.installed-dev lint ## check style and types, run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests app_images $(ARGS)

lint: $(VENV)/.installed-dev ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	for package in $(IMAGE_PACKAGES); do $(BIN)/mypy "$$package" || exit 1; done

clean: ## remove $(VENV), builds and caches (make down first)
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find app_images src tests -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	"$(or $(PYTHON),false)" -c '$(IS_NEW_ENOUGH)' 2>/dev/null || { \
		echo 'chatops needs Python 3.11 or newer, with its venv module (Debian, Ubuntu: apt install python3-venv).' >&2; \
		echo 'If it is not on the PATH: make PYTHON=/path/to/python3' >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	echo 'Installing chatops and the local cloud into $(VENV): about half a minute, once'
	$(PIP_INSTALL) --editable '.[local]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml $(REQUIREMENTS) | $(BIN)/python
	echo 'Installing chatops with what its tests need into $(VENV): about a minute, once'
	$(PIP_INSTALL) --editable '.[dev]' $(REQUIREMENTS:%=--requirement %)
	touch $@ $(VENV)/.installed
