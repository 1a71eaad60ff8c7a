# `make` or `make help` lists what there is. GNU make 3.81 or newer.
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
VENV := .venv
POLICIES := .venv-policies
BIN := $(VENV)/bin
ARGS ?=

# docker, podman or buildah. BUILD_FLAGS="--platform linux/amd64,linux/arm64" makes one name for both:
# to podman and buildah that is a manifest, and a tag would keep the last of them only.
BUILDER ?= docker
BUILD_FLAGS ?=
COMMA := ,
MANIFEST := $(if $(findstring docker,$(BUILDER)),,$(findstring $(COMMA),$(filter-out --build-arg%,$(BUILD_FLAGS))))
# podman and buildah put `localhost/` before a name that says no registry, so it is said here.
REGISTRY ?= $(if $(findstring docker,$(BUILDER)),,localhost)
TAG ?= dev
NAME := $(if $(REGISTRY),$(REGISTRY)/)bandstand
IMAGE := $(NAME):$(TAG)
# The time in an image is its commit's: who builds it again gets the same one. In Docker's format
# buildah writes the name of the container that it was built in, too.
COMMITTED := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
BUILD = SOURCE_DATE_EPOCH=$(COMMITTED) $(BUILDER) build $(BUILD_FLAGS) \
	$(if $(findstring docker,$(BUILDER)),,--format oci --timestamp $(COMMITTED)) --build-arg VERSION=$(TAG) \
	--build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown)
# kind and minikube look into Docker's store at most, but take a file from whoever wrote it. There the
# tag is from what is in the image: pods that run another one are replaced, the others stay.
OUT := out
ARCHIVE := $(OUT)/bandstand.tar
CONTENT = $(shell sed 's/^sha256://' $(OUT)/image 2>/dev/null | cut -c 1-12)
LOADED = $(NAME):$(or $(CONTENT),$(TAG))
SAVE = rm -f $(ARCHIVE) && $(BUILDER) tag $(IMAGE) $(LOADED) && \
	$(if $(findstring buildah,$(BUILDER)),\
	$(BUILDER) push $(LOADED) docker-archive:$(ARCHIVE):$(LOADED),\
	$(BUILDER) save --output $(ARCHIVE) $(LOADED))
INSTALL = helm upgrade --install bandstand charts/bandstand --namespace bandstand --create-namespace \
	--values charts/bandstand/values-kind.yaml --wait --timeout 15m \
	--set image.repository=$(NAME) --set-string image.tag=$(CONTENT)

# Each stamp is written last, so that whatever was interrupted is done again.
DEPENDENCIES := $(VENV)/.dependencies-installed
READY := $(VENV)/.ready
CHECKER := $(POLICIES)/.ready
BENCH := .venv-bench
PEERS := $(BENCH)/.dependencies-installed

PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip --quiet
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

##@ Use

.PHONY: demo
demo: $(READY) ## Perform the same orders in both modes, switch live, verify, report
	@$(BIN)/bandstand demo $(ARGS)

.PHONY: venv
venv: $(READY) ## Only set up: .venv with everything that is pinned, and `bandstand` in it

##@ On a cluster

.PHONY: images
images: ## Build the image of all services, push it if a REGISTRY is named (BUILDER=docker TAG=dev)
	@mkdir -p $(OUT)
	$(if $(MANIFEST),-$(BUILDER) manifest rm $(IMAGE))
	$(BUILD) --iidfile $(OUT)/image $(if $(MANIFEST),--manifest,--tag) $(IMAGE) .
	$(if $(filter-out localhost,$(REGISTRY)),$(BUILDER) \
		$(if $(MANIFEST),manifest push --all $(IMAGE) docker://$(IMAGE),push $(IMAGE)))

.PHONY: reproducible
reproducible: images ## Build it again from nothing, and see that it is the same image
	$(BUILD) --no-cache --iidfile $(OUT)/image-again --tag $(IMAGE)-again .
	cmp $(OUT)/image $(OUT)/image-again

.PHONY: kind-up
kind-up: images ## A kind cluster, the image in it, the chart on it
	kind get clusters | grep -qx bandstand || kind create cluster --name bandstand
	$(SAVE)
	kind load image-archive $(ARCHIVE) --name bandstand
	$(INSTALL) --kube-context kind-bandstand

.PHONY: minikube-up
minikube-up: images ## The same on minikube, with 2 CPUs and 4 GiB
	minikube status >/dev/null || minikube start --cpus 2 --memory 4g
	$(SAVE)
	minikube image load $(ARCHIVE)
	$(INSTALL) --kube-context minikube

.PHONY: e2e
e2e: $(READY) ## A release's whole life on the cluster that kubectl talks to; it needs the image there
	BANDSTAND_E2E=1 BANDSTAND_IMAGE=$(if $(filter-out localhost,$(REGISTRY)),$(IMAGE),$(LOADED)) \
		$(BIN)/pytest tests/e2e $(ARGS)

##@ Measure

.PHONY: bench
bench: $(READY) $(PEERS) ## What a saga costs here and elsewhere, about 20 minutes (ARGS="--quick --systems dbos")
	@$(BIN)/python -m benchmarks --python $(BENCH)/bin/python $(ARGS)

##@ Develop

.PHONY: test
test: lint policies test-unit test-integration ## Lint, policies, then all tests

.PHONY: test-unit
test-unit: $(READY) ## Tests that start nothing
	$(BIN)/pytest tests/unit --numprocesses logical $(ARGS)

.PHONY: test-integration
test-integration: $(READY) ## Tests on real Kafkas and PostgreSQLs, which they start and stop
	$(BIN)/pytest tests/integration --numprocesses 2 --dist loadfile $(ARGS)

.PHONY: lint
lint: $(READY) ## Style, types, and drift of what is generated
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m services.contracts check
	$(BIN)/python -m coordination_operator.documents check
	$(BIN)/python -m observability.chart check

.PHONY: policies
policies: $(CHECKER) ## Kubernetes' good practices, in the chart's renders of each profile
	$(POLICIES)/bin/checkov --config-file .checkov.yaml

.PHONY: format
format: $(READY) ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: contracts
contracts: $(READY) ## Write contracts/, the CRD and the generated tables in docs/ anew
	$(BIN)/python -m services.contracts write
	$(BIN)/python -m coordination_operator.documents write

.PHONY: chart
chart: $(READY) ## Write anew what the chart carries of observability/
	$(BIN)/python -m observability.chart write

.PHONY: renders
renders: $(READY) ## Write anew what Helm makes of each profile, for tests/unit/renders
	$(BIN)/python -m tests.unit.renders

.PHONY: lock
lock: $(READY) ## Pin the dependencies anew (ARGS=--upgrade takes newer ones)
	$(LOCK) $(ARGS) --extra lab --extra operator --extra dev \
		--output-file requirements/dev.txt pyproject.toml
	$(LOCK) --constraint requirements/dev.txt --extra operator \
		--output-file requirements/services.txt pyproject.toml
	$(LOCK) $(ARGS) --output-file requirements/policies.txt requirements/policies.in
	$(LOCK) $(ARGS) --output-file benchmarks/requirements.txt benchmarks/requirements.in

.PHONY: clean
clean: ## Stop the stack, remove its data and everything that was made here
	@if [ -x $(BIN)/bandstand ]; then $(BIN)/bandstand down --wipe || true; fi
	rm -rf $(VENV) $(POLICIES) $(BENCH) out dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find services lab tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Help

.PHONY: help
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(DEPENDENCIES): requirements/dev.txt
	@PYTHON="$(PYTHON)" sh requirements/prerequisites.sh
	@echo "Setting up $(VENV) (once; a minute or two)."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@touch $@

$(CHECKER): requirements/policies.txt
	@rm -rf $(POLICIES)
	@$(PYTHON) -m venv $(POLICIES)
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(POLICIES)/bin/python -m pip --quiet install --require-hashes \
		--requirement requirements/policies.txt
	@touch $@

$(READY): $(DEPENDENCIES) pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(PEERS): benchmarks/requirements.txt $(READY)
	@echo "Setting up $(BENCH) (once; a minute)."
	@rm -rf $(BENCH)
	@$(PYTHON) -m venv $(BENCH)
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(BENCH)/bin/python -m pip --quiet install --require-hashes \
		--requirement benchmarks/requirements.txt
	@touch $@
