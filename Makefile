# make demo [DATA=path/to/photos] [OUT=demo]   the whole study, on drawn faces or on your photos
# make test                                     every test
# make fuzz                                     damaged and hostile input, for long
# make lock                                     locks/base.txt anew, from constraints.txt
# make house                                    how much a reader of the source has to walk
# make maskresnet SOURCES=path/to/photos        the package's default model from its five sources; about an hour
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUT ?= demo
DATA ?=
SOURCES ?= .
MODEL_OUT ?= maskresnet
TRAIN_OPTIONS ?=
TEST_WORKERS ?= 2
PIP_VERSION := 26.3

.PHONY: demo test quick fuzz check format house lock maskresnet clean

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip==$(PIP_VERSION)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,serve,dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/facecover demo -o $(OUT) $(if $(DATA),--data "$(DATA)")

test: $(STAMP)
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal

quick: $(STAMP)
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal -m "not slow"

fuzz: $(STAMP)
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal -m fuzz --hypothesis-profile fuzz

check: $(STAMP)
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

lock: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-header \
		-c constraints.txt -o locks/base.txt pyproject.toml

house: $(STAMP)
	$(BIN)/python benchmarks/house.py

maskresnet: $(STAMP)
	$(BIN)/facecover prepare $(foreach name,chandrikadeb7 techyhoney prajnasb rmfd scenes,"$(SOURCES)/$(name)") \
		--label rmfd=mask -o $(MODEL_OUT)/dataset
	$(BIN)/facecover train maskresnet --data $(MODEL_OUT)/dataset -o $(MODEL_OUT)/run --resume \
		--set training.refit=true $(TRAIN_OPTIONS)
	$(BIN)/facecover export $(MODEL_OUT)/run --data $(MODEL_OUT)/dataset --int8 -o $(MODEL_OUT)/maskresnet.onnx

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
