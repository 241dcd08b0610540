# egress-router-cni: `make help` says what can be made.

BINDIR ?= /opt/cni/bin
SBINDIR ?= /usr/local/sbin
DESTDIR ?=
TIME ?= 60
MODE ?= redirect
ONLY ?=
BASE ?=
TARGET ?= demo
VERSION ?= $(shell sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
# amd64 or arm64, for build, test-vm, package and install.
ARCH ?= amd64
ARCHES ?= amd64 arm64
SUFFIX := $(if $(filter-out amd64,$(ARCH)),-$(ARCH))
OUT := out$(if $(filter arm64,$(ARCH)),/arm64)
BINARY := $(OUT)/egress-router
TOOLS := $(OUT)/egress-routerctl
OPERATOR := $(OUT)/egress-operator
EXECUTABLES := $(BINARY) $(TOOLS) $(OPERATOR)
SOURCES := $(shell find src -type f \( -name '*.cs' -o -name '*.csproj' -o -name '*.props' -o -name '*.targets' \) \
             -not -path '*/obj/*' -not -path '*/bin/*') Directory.Build.props Directory.Packages.props

# Neither libicu nor telemetry is needed to build a plugin.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT = 1
export DOTNET_CLI_TELEMETRY_OPTOUT = 1
export DOTNET_NOLOGO = 1

.DEFAULT_GOAL := help
.PHONY: help build test test-unit test-system test-vm test-faults test-bare test-apiserver fuzz format format-check demo bench
.PHONY: install package image pack release reproduce clean
# What is missing is installed before anything else begins.
.NOTPARALLEL:

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# What a target needs is installed, or named, before it begins: with what building needs, if there is something to be built.
need-%:
	@scripts/install-dependencies.sh $* $$(make -q $(EXECUTABLES) >/dev/null 2>&1 || echo build$(SUFFIX))

build: $(EXECUTABLES) ## Build the static native executables egress-router (plugin), egress-routerctl (tools) and egress-operator, in out

$(EXECUTABLES) &: $(SOURCES) scripts/build.sh
	@scripts/install-dependencies.sh build$(SUFFIX)
	@ARCH=$(ARCH) scripts/build.sh

test: ## Install what is missing, then check the format and run every test
	@scripts/test.sh $@

test-unit: ## Run the unit and golden tests only: no root, seconds
	@scripts/test.sh $@

test-system: ## Run the system tests only: real namespaces, real traffic
	@scripts/test.sh $@

test-vm: ## Run the tests on another kernel only: ipvlan, dummy, VLAN and SCTP in a virtual machine
	@scripts/test.sh $@

test-faults: ## Run the tests of reliability in full, of which `make test` runs a sample: faults, kills, load (root)
	@scripts/test.sh $@

test-bare: ## Run the demo in all modes, or make TARGET, of the sources as changed, in a Debian with only git, make and the SDK (root)
	@scripts/install-dependencies.sh $@
	@scripts/test-bare.sh $(TARGET)

test-apiserver: ## Run the tests of egress-operator on a real API server, which is built once, in about 10 minutes (root)
	@scripts/test.sh $@

fuzz: ## Give each parser damaged input for TIME seconds (60)
	@FUZZ_SECONDS=$(TIME) scripts/test.sh $@

format: ## Format the source
	@scripts/install-dependencies.sh $@
	dotnet format EgressRouterCni.sln

format-check: ## Fail where `make format` would change something
	@scripts/install-dependencies.sh $@
	dotnet format EgressRouterCni.sln --verify-no-changes

demo: need-demo-$(MODE) build ## Show it at work between namespaces (root); MODE=redirect, http-proxy, dns-proxy, egress-ip, operator or pair
	@[ -z "$(filter egress-ip operator pair,$(MODE))" ] || dotnet msbuild tests/ApiServer -restore -p:Configuration=Release -v:quiet -nologo
	@scripts/demo.sh $(MODE)

bench: need-bench build ## Measure beside others, and beside the executable BASE; ONLY="compare growth" picks parts (root)
	@dotnet msbuild tests/Benchmarks -restore -p:Configuration=Release -v:quiet -nologo
	@BASE="$(BASE)" dotnet tests/Benchmarks/bin/Release/net10.0/Benchmarks.dll $(ONLY)

install: build ## Install the plugin into $(DESTDIR)$(BINDIR), and the tools and the operator into $(DESTDIR)$(SBINDIR)
	install -D -m 0755 $(BINARY) $(DESTDIR)$(BINDIR)/egress-router
	install -D -m 0755 $(TOOLS) $(DESTDIR)$(SBINDIR)/egress-routerctl
	install -D -m 0755 $(OPERATOR) $(DESTDIR)$(SBINDIR)/egress-operator

package: need-package build ## Make the Debian package out/egress-router-cni_*.deb; ARCH=arm64 for that architecture
	@[ $(ARCH) = amd64 ] || $(MAKE) --no-print-directory build ARCH=amd64
	@scripts/package.sh

image: build ## Make the container images out/egress-router-cni-*.oci.tar and egress-operator-*.oci.tar, for ARCHES ("amd64 arm64")
	@for arch in $(filter-out $(ARCH),$(ARCHES)); do $(MAKE) --no-print-directory build ARCH=$$arch || exit; done
	@scripts/image.sh $(ARCHES)

pack: ## Make the NuGet packages of the libraries Netlink and Cni, in out/packages
	@scripts/install-dependencies.sh $@
	@scripts/pack.sh $(VERSION) out/packages

release: ## Make all of a release, with sums and a list of contents, in out/release: VERSION=x.y.z
	@scripts/release.sh $(VERSION)

reproduce: ## Build the last commit twice and compare the executables
	@scripts/install-dependencies.sh build
	@scripts/reproduce.sh

clean: ## Remove everything that was built
	rm -rf out
	find src tests -type d \( -name bin -o -name obj -o -name TestResults \) -prune -exec rm -rf {} +
