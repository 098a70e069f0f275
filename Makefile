# make demo [DATA=path/to/photos] [OUT=demo]   the whole study, on drawn faces or on your photos
# make test                                     every test
# make fuzz                                     damaged and hostile input, for long
# make page                                     the page for the browser, into the package; needs Node.js and npm
# make image                                    facecover serve as a container image, where docker or podman is
# make lock                                     locks/base.txt anew, from constraints.txt
# make licences                                 docs/licences.md anew, from constraints.txt
# make sbom                                     a wheel in dist/, and beside it what its base install holds (CycloneDX)
# make house                                    how much a reader of the source has to walk
# make faces SOURCES=path/to/photos             the package's detector from its 16 sources; two hours
# make maskresnet SOURCES=path/to/photos        the package's default model from its five sources; about an hour
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUT ?= demo
DATA ?=
SOURCES ?= .
MODEL_OUT ?= maskresnet
SCENES := scenes chandrikadeb7 techyhoney rmfd $(addprefix more/,press mafa_wider tv_frames street three_classes \
	three_classes_b kaggle_photos airport mafa_photos other_covers smokers mixed_photos)
TRAIN_OPTIONS ?=
TEST_WORKERS ?= 2
PIP_VERSION := 26.3
ENGINE ?= $(firstword $(foreach name,docker podman,$(if $(shell command -v $(name)),$(name))) docker)
WEB_STAMP := web/node_modules/.installed
PAGE := src/facecover/serving/page/index.html
PAGE_SOURCES := $(wildcard web/*.json web/*.html web/*.ts web/*.py web/public/* web/src/*.ts web/src/*.css) \
	$(addprefix src/facecover/,images.py inference/prediction.py scenes/detector.py report/plotting.py) \
	$(wildcard src/facecover/models/*)

.PHONY: demo test quick fuzz check format house image lock licences sbom maskresnet faces page page-if-possible clean

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip==$(PIP_VERSION)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,serve,dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/facecover demo -o $(OUT) $(if $(DATA),--data "$(DATA)")

test: $(STAMP) page-if-possible
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal

quick: $(STAMP)
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal -m "not slow"

fuzz: $(STAMP)
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal -m fuzz --hypothesis-profile fuzz

check: $(STAMP)
	$(BIN)/ruff format --check src tests benchmarks web
	$(BIN)/ruff check src tests benchmarks web
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format src tests benchmarks web
	$(BIN)/ruff check --fix src tests benchmarks web

image: page-if-possible
	$(ENGINE) build -t facecover .

lock: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-header \
		-c constraints.txt -o locks/base.txt pyproject.toml

LICENCES := \# Licences\n\nOf all that the package is tested with, `constraints.txt`, as each says itself; UNKNOWN where its licence file alone does.\nWritten by `make licences`.\n\n

licences: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-licenses==5.5.5
	@printf '$(LICENCES)' > docs/licences.md
	$(BIN)/pip-licenses --from=mixed --format=markdown --with-urls \
		--packages $$(sed -n 's/^\([A-Za-z0-9._-]*\)==.*/\1/p' constraints.txt) \
		| awk -F'|' '$$2 ~ /[^ ]/' | sed -E 's/ +\|/ |/g; s/-+\|/---|/g' >> docs/licences.md

# Beside the wheel, since it says what that installs; what it lists is installed anew, from the lock.
sbom: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w dist .
	$(PYTHON) -m venv --clear --without-pip build/base
	$(BIN)/python -m pip --disable-pip-version-check --python build/base/bin/python install --quiet \
		--no-deps --require-hashes -r locks/base.txt
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type library --output-reproducible \
		-o "$$(ls -t dist/facecover-*.whl | head -n 1).cdx.json" build/base/bin/python

page: $(PAGE)

$(WEB_STAMP): web/package.json web/package-lock.json
	npm --prefix web ci --ignore-scripts --no-audit --no-fund
	@touch $@

$(PAGE): $(STAMP) $(WEB_STAMP) $(PAGE_SOURCES)
	$(BIN)/python web/generate.py
	npm --prefix web run build

# The page is tested where its tools can be installed; elsewhere its tests are skipped.
page-if-possible: $(STAMP)
	@if command -v npm >/dev/null && $(MAKE) --no-print-directory $(WEB_STAMP); then \
		$(MAKE) --no-print-directory page; \
	else echo "the page cannot be built without npm and Node.js 20.19 or later; its tests are skipped"; fi

house: $(STAMP)
	$(BIN)/python benchmarks/house.py

maskresnet: $(STAMP)
	$(BIN)/facecover prepare $(foreach name,chandrikadeb7 techyhoney prajnasb rmfd scenes,"$(SOURCES)/$(name)") \
		--label rmfd=mask -o $(MODEL_OUT)/dataset
	$(BIN)/facecover train maskresnet --data $(MODEL_OUT)/dataset -o $(MODEL_OUT)/run --resume \
		--set training.refit=true $(TRAIN_OPTIONS)
	$(BIN)/facecover export $(MODEL_OUT)/run --data $(MODEL_OUT)/dataset --int8 \
		--target-accuracy 0.995 -o $(MODEL_OUT)/maskresnet.onnx

# Whole photos with boxes, and others in which two detectors found faces.
faces: $(STAMP)
	$(BIN)/facecover prepare $(foreach name,$(SCENES),"$(SOURCES)/$(name)") --label rmfd=mask \
		--whole-photos 640 --found "$(SOURCES)/more/faces_found.csv" -o $(MODEL_OUT)/photos
	$(BIN)/facecover train faces --data $(MODEL_OUT)/photos -o $(MODEL_OUT)/faces --resume $(TRAIN_OPTIONS)

clean:
	rm -rf $(VENV) web/node_modules web/src/generated src/facecover/serving/page .mypy_cache .ruff_cache .pytest_cache .hypothesis
