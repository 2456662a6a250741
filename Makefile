# Everything from one place: `make up` starts Ritmo, `make check` judges a change.

BIN := .venv/bin
PY := $(BIN)/python
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --custom-compile-command 'make lock'

# What the settings need where nothing is started.
IDLE := DATABASE_URL=postgres://nobody@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0 \
	SECRET_KEY=checks-only DEBUG=on ENV_FILE=/dev/null DATA_DIR=/nonexistent

# Half of the suite waits for something: three processes share it, on two cores, too.
SHARE := --dist loadscope --tx '3*popen//python=$(PY) -X dev'

PAGES := find templates */templates -name '*.html' 2>/dev/null

.NOTPARALLEL:
.PHONY: up test check fix bench chaos lock lint types contracts templates migrations \
	translations coverage

up: .venv/stamp ## start everything; ARGS="--port 9000 --no-demo"
	@exec $(PY) manage.py up $(ARGS)

test: .venv/stamp-dev ## the whole suite; ARGS="-k claim"
	@exec $(PY) -m pytest $(SHARE) $(ARGS)

check: lint types contracts templates migrations translations test

lint: .venv/stamp-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

types: .venv/stamp-dev
	$(IDLE) EXTRA_APPS=tests.shop,tests.market,tests.bench.naive $(BIN)/mypy .

contracts: .venv/stamp-dev
	$(IDLE) $(BIN)/lint-imports

templates: .venv/stamp-dev
	@$(PAGES) | xargs -r $(BIN)/djade --check --target-version 5.2
	@$(PAGES) | xargs -r $(BIN)/djlint --check --lint --quiet

migrations: .venv/stamp-dev
	$(PY) -m tests.servers $(PY) manage.py makemigrations --check --dry-run
	EXTRA_APPS=django_migration_linter $(PY) -m tests.servers $(PY) manage.py lintmigrations \
		--include-apps queues cadences syncs --ignore-initial-migrations \
		--warnings-as-errors --no-cache

translations: .venv/stamp-dev
	$(PY) -m tests.translations --check

# Measuring takes a third more time, so it is asked for by hand.
coverage: .venv/stamp-dev ## the whole suite again, and which lines it ran
	@$(BIN)/coverage erase
	$(PY) -m coverage run -m pytest $(SHARE) $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

fix: .venv/stamp-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-@$(PAGES) | xargs -r $(BIN)/djade --target-version 5.2
	-@$(PAGES) | xargs -r $(BIN)/djlint --reformat --quiet
	$(PY) -m tests.translations

bench: .venv/stamp-dev ## the figures, beside a naive baseline
	@exec $(PY) -m tests.bench $(ARGS)

chaos: .venv/stamp-dev ## the faults, with counts of lost and doubled
	@exec $(PY) -m tests.chaos $(ARGS)

lock: .venv/stamp-dev ## pin what the .in files ask for; ARGS="--upgrade"
	$(COMPILE) $(ARGS) requirements.in -o requirements.txt
	$(COMPILE) $(ARGS) requirements-dev.in -o requirements-dev.txt

# The first Python that is new enough.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Ritmo needs Python 3.11 or newer" >&2; exit 1; }
	@echo "Creating .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv

.venv/stamp: requirements.txt | .venv/bin/python
	@echo "Installing requirements.txt"
	@$(INSTALL) -r requirements.txt
	@touch $@

.venv/stamp-dev: requirements.txt requirements-dev.txt | .venv/bin/python
	@echo "Installing requirements.txt and requirements-dev.txt"
	@$(INSTALL) -r requirements.txt -r requirements-dev.txt
	@touch .venv/stamp $@
