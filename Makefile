# Two commands for a newcomer: `make demo` and `make test`. Needs Python 3.11 or newer, and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

DEMO_ARCHS := systolic_int8_ws_32x32 systolic_fp8_ws_32x32 tensorcore_fp8

.PHONY: demo test lint bench schema docs train clean

demo: $(VENV)/.installed  ## Compare the INT8 and FP8 arrays and the FP8 tensor core on a trained network
	@$(BIN)/hwsim compare $(DEMO_ARCHS) -w digits_cnn -o reports/demo --force
	@echo "The report: reports/demo/report.html"

test: $(VENV)/.installed-dev  ## Every test, in parallel
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.installed-dev  ## ruff and mypy (strict on hwsim/)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-dev  ## Speeds as ratios to numpy, measured in one run
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file; done

schema: $(VENV)/.installed  ## Rewrite the JSON Schemas that editors use
	$(BIN)/hwsim schema arch -o arch_configs
	$(BIN)/hwsim schema mappings -o arch_configs
	$(BIN)/hwsim schema workload -o workloads
	$(BIN)/hwsim schema study -o studies
	$(BIN)/hwsim schema matrix_unit -o arch_configs/matrix_units
	$(BIN)/hwsim schema gemm_order -o arch_configs/gemm_orders

docs: $(VENV)/.installed  ## Rewrite the generated pages: number formats, residuals of the prices, DRAM efficiencies; the README's picture
	$(BIN)/python -m hwsim.report.format_pages docs/formats
	$(BIN)/python -m hwsim.report.cost_page docs/costs_calibration.md
	$(BIN)/python -m hwsim.report.memory_page docs/memory_dram.md
	@$(BIN)/hwsim tradeoff -o reports/tradeoff --force > /dev/null
	cp reports/tradeoff/error_vs_energy.png docs/images/

train: $(VENV)/.installed-train  ## Train the digits networks again and rewrite workloads/
	$(BIN)/python training/train_digits.py

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("hwsim needs Python 3.11 or newer; name one with make PYTHON=...") if sys.version_info < (3, 11) else None'
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing hwsim into $(VENV) (a minute) ..."
	@$(PIP) install -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing hwsim and its development tools into $(VENV) (a minute) ..."
	@$(PIP) install -e '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-train: pyproject.toml | $(VENV)/bin/python
	@$(PIP) install -e '.[train]'
	@touch $@ $(VENV)/.installed
