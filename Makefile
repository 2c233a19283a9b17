# A thin front for CMake: see HACKING.md. `make help` lists the targets.
PREFIX ?= /usr/local
DESTDIR ?=
T ?=
B := build
CMAKE = cmake -S . -G Ninja
SOURCES = $(shell git ls-files 'src/*.[ch]' 'sdk/*.[ch]' 'examples/*.[ch]' 'tests/*.[ch]')

SECONDS ?= 600

.PHONY: all deps release check check-debug check-asan check-faults check-interop check-wasi fuzz lint fmt demo bench interop install clean help

all: deps release ## build cup and cupd into build/release (installs what that needs)

deps:
	@tools/install-deps build

release:
	@$(CMAKE) -B $(B)/release -DCMAKE_BUILD_TYPE=Release >$(B)-configure.log 2>&1 || { cat $(B)-configure.log; exit 1; }
	@rm -f $(B)-configure.log
	@ninja -C $(B)/release

check: ## format, layers, banned calls, warnings as errors, all quick tests (T=name for some)
	@tools/install-deps check
	@$(MAKE) --no-print-directory lint
	@$(CMAKE) -B $(B)/release -DCMAKE_BUILD_TYPE=Release -DCUP_WERROR=ON
	@ninja -C $(B)/release
	@tools/fetch-forge-api
	@tools/run-tests $(B)/release $(T)

check-debug: ## the same tests without optimisation
	@tools/install-deps check
	@$(CMAKE) -B $(B)/debug -DCMAKE_BUILD_TYPE=Debug
	@ninja -C $(B)/debug
	@tools/run-tests $(B)/debug $(T)

check-asan: ## the same tests under AddressSanitizer and UBSan
	@tools/install-deps check
	@$(CMAKE) -B $(B)/asan -DCMAKE_BUILD_TYPE=Sanitize
	@ninja -C $(B)/asan
	@tools/run-tests $(B)/asan $(T)

check-wasi: ## wasi-testsuite's preview1 modules in our host (WASI_TESTSUITE=checkout of its branch prod/testsuite-base)
	@test -n "$(WASI_TESTSUITE)" || { echo "check-wasi: say where the suite is: WASI_TESTSUITE=DIR" >&2; exit 2; }
	@$(MAKE) --no-print-directory release
	@tests/conformance/wasi-testsuite "$(WASI_TESTSUITE)" $(B)/release/src/cup

fuzz: ## each parser against made-up inputs (T=name for one, SECONDS=600 for each)
	@tools/install-deps fuzz
	@$(CMAKE) -B $(B)/fuzz -DCMAKE_BUILD_TYPE=Fuzz -DCMAKE_C_COMPILER=clang-14
	@ninja -C $(B)/fuzz fuzz
	@tools/run-fuzz $(B)/fuzz $(SECONDS) $(T)

check-faults: ## killed, failing and cut-off commands at hundreds of points, the same each time (minutes)
	@tools/install-deps check
	@$(MAKE) --no-print-directory release
	@CUP_FAULTS=full tools/run-tests $(B)/release store-

lint: ## format, folder arrows and banned calls
	@tools/check-layers --self-test && tools/check-layers
	@tools/check-banned --self-test && tools/check-banned
	@clang-format-14 --dry-run -Werror $(SOURCES)

fmt: ## clang-format
	@clang-format-14 -i $(SOURCES)

demo: all ## the main job with real programs: pack, push, serve, get, apply, merge
	@CUP_BIN=$(CURDIR)/$(B)/release/src CUP_FLIPT_WASM=$(CURDIR)/$(B)/release/examples/flipt/flipt.wasm tools/demo

bench: ## ratios against nginx, a smaller repository, other registry clients, the bare WASM engine (installs nginx-light and wrk)
	@tools/install-deps bench
	@$(MAKE) --no-print-directory release
	@CUP_BIN=$(CURDIR)/$(B)/release/src CUP_FLIPT_WASM=$(CURDIR)/$(B)/release/examples/flipt/flipt.wasm bench/run
	@bench/git
	@bench/images
	@bench/wasm

interop: release ## cup beside other registry clients (INTEROP_PATH); writes the table of docs/interop.md
	@CUP_BIN=$(CURDIR)/$(B)/release/src CUP_FLIPT_WASM=$(CURDIR)/$(B)/release/examples/flipt/flipt.wasm tests/interop/run --write docs/interop.md

check-interop: ## the part of it that needs cup and skopeo only; no file is written
	@tools/install-deps check
	@$(MAKE) --no-print-directory release
	@CUP_BIN=$(CURDIR)/$(B)/release/src CUP_FLIPT_WASM=$(CURDIR)/$(B)/release/examples/flipt/flipt.wasm tests/interop/run --quick

install: all ## install into PREFIX (default /usr/local), below DESTDIR
	@DESTDIR=$(DESTDIR) cmake --install $(B)/release --prefix $(PREFIX)

clean: ## remove build/ (the engine's cache stays)
	@rm -rf $(B)

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' Makefile | column -t -s '|'
