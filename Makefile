# Needs make, and Python 3.11 or newer with its venv module. Everything else is installed into .venv.

# Which Python makes .venv, and what follows the command: make run PYTHON=python3.12 ARGS=--help
PYTHON ?= python3
ARGS ?=

ifeq ($(OS),Windows_NT)
$(error Datas needs gunicorn and file locks, which Windows lacks. Run it under WSL)
endif

.PHONY: help run test test-all check bench bench-parts soak chaos prove lock audit openapi-snapshot clients screenshots clean again

help: ## List what there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s%s\n", $$1, $$2 }' Makefile

run: .venv/run ## Serve the API at http://localhost:8000 (more: make run ARGS="--bind 127.0.0.1:9000")
	@# Where nothing else is asked for, anybody on this machine may do everything, registering too.
	@test -n "$${DATAS_ACCESS}$(findstring --access,$(ARGS))" || export DATAS_REGISTRATION=$${DATAS_REGISTRATION:-open}; \
		export DATAS_ACCESS=$${DATAS_ACCESS:-open} DATAS_EXPLAIN=$${DATAS_EXPLAIN:-true}; \
		exec .venv/bin/datas serve $(ARGS)

test: .venv/dev ## Run the tests (a minute or two); test-all runs the slow ones too
	@exec .venv/bin/python -m pytest -n 3 --dist worksteal -m "not slow" $(ARGS)

test-all: .venv/dev ## Run all tests
	@exec .venv/bin/python -m pytest -n 3 --dist worksteal $(ARGS)

check: .venv/dev ## Check format, lint, types, and who imports whom
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	cd examples && ../.venv/bin/lint-imports --no-logo

# The peers, in an environment of their own.
PEERS = build/bench/venv/complete
$(PEERS): requirements/bench.txt | .venv/dev
	@echo "Setting up build/bench/venv from $< (once)…"
	@.venv/bin/python -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

# granian runs Datas on Python 3.13 or newer. Without one, its row is left out.
GRANIAN_PYTHON ?= $(shell command -v python3.13 python3.14 | head -n 1)
GRANIAN = build/bench/granian/complete
$(GRANIAN): requirements/run.txt requirements/bench.txt
	@echo "Setting up build/bench/granian from $^ (once)…"
	@$(GRANIAN_PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes \
		-r requirements/run.txt -r requirements/bench.txt
	@touch $@

bench: .venv/dev $(PEERS) $(if $(GRANIAN_PYTHON),$(GRANIAN)) ## Measure Datas beside its peers: 20 minutes (three: ARGS=--quick)
	PYTHONPATH=examples .venv/bin/python -m tests.bench.side_by_side $(ARGS)

bench-parts: .venv/dev ## Measure a token, a sign-in, exports, a million items (ten: ARGS=--ten-million), runs in memory
	.venv/bin/python -m tests.bench.token_write
	.venv/bin/python -m tests.bench.sign_in_time
	.venv/bin/python -m tests.bench.streams $(ARGS)
	.venv/bin/python -m tests.bench.million $(ARGS)
	.venv/bin/python -m tests.bench.simulation

soak: .venv/dev ## Load a server for ten minutes, and watch its memory (other times: ARGS="--minutes 60")
	.venv/bin/python -m tests.bench.soak $(ARGS)

chaos: .venv/dev ## Ten minutes of signals, kills and slow clients (again: ARGS="--minutes 1 --seed 7")
	.venv/bin/python -m tests.e2e.chaos $(ARGS)

prove: .venv/dev ## A minute of faults under load, and a check of all answers (ARGS="--minutes 10 --seed 7 --database postgresql")
	@exec .venv/bin/python -m tests.prove $(ARGS)

# A place of its own, so that a lock file that can't be installed can still be made anew.
UV = build/lock/bin/uv
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock" $(ARGS)

lock: ## Make the lock files from pyproject.toml (newest versions: make lock ARGS=--upgrade)
	@test -x $(UV) || { $(PYTHON) -m venv --clear build/lock \
		&& build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv; }
	$(LOCK) pyproject.toml requirements/build.in -o requirements/run.txt
	$(LOCK) --extra metrics --extra postgres --group dev -c requirements/run.txt \
		pyproject.toml requirements/build.in -o requirements/dev.txt
	$(LOCK) --extra metrics --extra postgres -c requirements/dev.txt \
		pyproject.toml requirements/build.in -o requirements/production.txt
	$(LOCK) -c requirements/run.txt requirements/bench.in -o requirements/bench.txt
	$(LOCK) requirements/audit.in -o requirements/audit.txt

# A place of its own too: who only runs or tests needs none of it.
build/audit/complete: requirements/audit.txt
	@$(PYTHON) -m venv --clear build/audit
	@build/audit/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes \
		-r requirements/audit.txt
	@touch $@

audit: build/audit/complete ## Ask the internet whether anything in the lock files is known to be vulnerable
	@build/audit/bin/python requirements/audit.py $(ARGS)

openapi-snapshot: .venv/dev ## Renew the OpenAPI document that tests compare with
	.venv/bin/datas openapi | .venv/bin/python -m json.tool --sort-keys --no-ensure-ascii \
		>tests/http/openapi.json

clients: .venv/dev ## Make clients by others' generators and let them work (one: ARGS=orval; needs PyPI, npm)
	.venv/bin/python -m tests.clients.run $(ARGS)

screenshots: .venv/dev ## Take the picture of the console in README (needs chromium)
	@exec .venv/bin/python -m tests.e2e.screenshots

clean: ## Remove .venv and what the tools keep; databases stay
	rm -rf .venv build dist .*_cache .hypothesis .schemathesis
	find datas examples tests -name __pycache__ -prune -exec rm -rf {} +

# .venv is trusted if its last installation came to its end, and in this folder: the scripts of one
# that was interrupted may be missing, and those of one that was moved would run another folder's code.
READY := $(shell test -x .venv/bin/python \
	&& test "$$(cat .venv/complete 2>/dev/null)" = "$$(pwd -P)" && echo yes)
PIP = .venv/bin/python -m pip --disable-pip-version-check --quiet

# Which of the two that it takes PYTHON has, and one line that says what to do if it lacks one.
ABLE = $(shell $(PYTHON) -c 'import sys; print(sys.version_info >= (3, 11) and "new" or ""); \
	import ensurepip, venv; print("venv")' 2>/dev/null)
GOAL = $(firstword $(MAKECMDGOALS))
REFUSAL = $(if $(filter new,$(ABLE)),$(if $(filter venv,$(ABLE)),,$(NO_VENV)),$(TOO_OLD))
TOO_OLD = $(error Datas needs Python 3.11 or newer, which $(PYTHON) is not. \
	Name another: make $(GOAL) PYTHON=python3.12)
NO_VENV = $(error The venv module of $(PYTHON) is missing. \
	On Debian and Ubuntu: apt install python3-venv)

.venv/run .venv/dev: .venv/%: requirements/%.txt pyproject.toml $(if $(READY),,again)
	@$(if $(READY),,$(REFUSAL))echo "Setting up .venv from requirements/$*.txt (once)…"
	@rm -f .venv/complete
	@$(if $(READY),,$(PYTHON) -m venv --clear .venv)
	@$(PIP) install --require-hashes -r requirements/$*.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@pwd -P >.venv/complete
	@# Whoever can test can run.
	@touch .venv/run $@
