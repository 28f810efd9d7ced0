# A plain `make` builds the program alone, build/static/pgcask, and puts it where manifest.yaml looks
# for Plakar's package; it needs nothing that only tests need. `make install` installs it below
# PREFIX, for a package below DESTDIR; with PROGRAM=program, one that is linked with the system's
# libraries. The other targets name the CMake presets. `make arm64` builds build/arm64/pgcask on amd64;
# package, deb and sbom take ARCH=arm64 there.
PROGRAM = static
PREFIX = /usr/local
PRESETS = program dev tsan release static arm64 fuzz coverage clang
native := $(patsubst x86_64,amd64,$(patsubst aarch64,arm64,$(shell uname -m)))
ARCH = $(native)
# The preset of that static executable, and the folder that manifest.yaml is right about.
static = $(if $(filter $(native),$(ARCH)),static,$(ARCH))
top = $(if $(filter $(native),$(ARCH)),.,build/plakar-$(ARCH))
# A dot stands for the parenthesis: make counts those in a $(shell …).
version = v$(shell sed -n 's/^project.pgcask VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)

all: plugin

install:
	cmake --preset $(PROGRAM)
	cmake --build --preset $(PROGRAM) --target pgcask
	cmake --install build/$(PROGRAM) --prefix $(PREFIX) --component program

.PHONY: all install plugin package deb sbom arm64-sysroot $(PRESETS) test demo format clean
$(PRESETS):
	cmake --preset $@
	cmake --build --preset $@

# Debian's packages of that architecture, which is not this machine's; and an emulator runs there what the
# build runs of it.
arm64: arm64-sysroot
arm64-sysroot:
	scripts/arm64-sysroot build/arm64-sysroot

# The package needs a static executable: it runs on machines that have nothing but Plakar.
plugin: $(static)
	mkdir -p $(top)/build/plakar
	cp build/$(static)/pgcask $(top)/build/plakar/pgcask.new
	mv $(top)/build/plakar/pgcask.new $(top)/build/plakar/pgcask
	cd build/$(static) && cp pgcask.spdx.json licenses.txt *.schema.json $(CURDIR)/$(top)/build/plakar
	[ $(top) = . ] || cp manifest.yaml $(top)

# build/plakar/postgresql_VERSION_linux_ARCH.ptar; needs plakar, or PLAKAR=/path/to/plakar.
package: plugin
	mkdir -p build/plakar
	rm -f build/plakar/*_$(ARCH).ptar
	cd build/plakar && GOARCH=$(ARCH) $(or $(PLAKAR),plakar) pkg create $(CURDIR)/$(top)/manifest.yaml $(version)

# build/deb/pgcask_VERSION_ARCH.deb, of the static executable.
deb: $(static)
	mkdir -p build/deb
	rm -rf build/$(static)/deb build/deb/*_$(ARCH).deb
	cpack --config build/$(static)/CPackConfig.cmake -G DEB -B build/$(static)/deb
	mv build/$(static)/deb/*.deb build/deb

# Which libraries are in the static executable, in which versions and by which licences: it is written
# whenever that is linked, and is in each package. build/pgcask.spdx.json is that of the last ARCH.
sbom: $(static)
	cp build/$(static)/pgcask.spdx.json build/$(static)/licenses.txt build

test:
	scripts/test

demo:
	scripts/demo

format:
	git ls-files --cached --others --exclude-standard --deduplicate '*.c' '*.h' | xargs ls -d 2>/dev/null | xargs clang-format -i

clean:
	rm -rf build
