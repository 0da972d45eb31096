# `make help` says what there is. Everything runs from .venv, which any target makes when it is missing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
STORE ?= rustfs
SCENARIO ?= default

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# Frames around the output break its lines.
export MOLECULE_COMMAND_BORDERS := false

.PHONY: help venv lab down status lint format unit contract test choices converge verify destroy docs package figures clean

help: ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

venv: ## make .venv with Ansible and the test tools
	@$(PYTHON) tools/make_venv.py

lab: venv ## bring up a lab server on this machine and deploy MLflow on it; STORE=local is up in minutes
	@python -m lab up --store $(STORE)
	@ansible-playbook -i inventories/lab site.yml --extra-vars mlflow_platform_artifact_store=$(STORE)
	@python -m lab show

down: venv ## remove the lab
	@python -m lab down

status: venv ## say what of the lab is there
	@python -m lab status

lint: venv ## every static check
	@python -m tools.suites lint

format: venv ## let ruff format the Python files
	@ruff format .
	@ruff check --fix .

unit: venv ## plugins and templates, without Docker
	@python -m pytest --numprocesses 2 --dist loadfile tests/unit

contract: venv ## the lab's images against what the official ones document, and MLflow's published
	@python -m pytest tests/contract -m contract

package: venv ## pack the collection, install the archive, look at what arrived
	@python -m tools.package_test

test: venv ## every check and the main scenarios, the quickest first
	@python -m tools.suites test

choices: venv ## the other scenarios, about five hours
	@python -m tools.suites choices

converge: venv ## Molecule's inner loop: make and deploy the server of SCENARIO=default
	@molecule converge --scenario-name $(SCENARIO)

verify: venv ## look at the server that `make converge` made
	@molecule verify --scenario-name $(SCENARIO)

destroy: venv ## remove the server that `make converge` made
	@molecule destroy --scenario-name $(SCENARIO)

docs: venv ## write the generated documentation
	@python -m tools.role_docs

figures: venv ## measure the lab that `make lab` made, into docs/figures.md
	@python -m tools.figures

clean: ## remove what was generated here; the lab's cache outside the checkout stays
	@rm -rf .ansible .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build
