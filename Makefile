# A plain `make` builds the program alone, build/static/pgcask, and puts it where manifest.yaml looks
# for Plakar's package; it needs nothing that only tests need. `make install` installs it below
# PREFIX, for a package below DESTDIR; with PROGRAM=program, one that is linked with the system's
# libraries. The other targets name the CMake presets.
PROGRAM = static
PREFIX = /usr/local
PRESETS = program dev tsan release static fuzz coverage clang
# A dot stands for the parenthesis: make counts those in a $(shell …).
version = v$(shell sed -n 's/^project.pgcask VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)

all: plugin

install:
	cmake --preset $(PROGRAM)
	cmake --build --preset $(PROGRAM) --target pgcask
	cmake --install build/$(PROGRAM) --prefix $(PREFIX) --component program

.PHONY: all install plugin package deb sbom $(PRESETS) test demo format clean
$(PRESETS):
	cmake --preset $@
	cmake --build --preset $@

# The package needs a static executable: it runs on machines that have nothing but Plakar.
plugin: static
	mkdir -p build/plakar
	cp build/static/pgcask build/plakar/pgcask.new
	mv build/plakar/pgcask.new build/plakar/pgcask
	cp build/static/pgcask.spdx.json build/static/licenses.txt build/plakar
	set -e; for each in importer exporter importer-aws exporter-aws; do \
	    build/plakar/pgcask plakar-schema $$each >build/plakar/$$each.schema.json; done

# build/plakar/postgresql_VERSION_OS_ARCH.ptar; needs plakar, or PLAKAR=/path/to/plakar.
package: plugin
	rm -f build/plakar/*.ptar
	cd build/plakar && $(or $(PLAKAR),plakar) pkg create $(CURDIR)/manifest.yaml $(version)

# build/deb/pgcask_VERSION_ARCH.deb, of the static executable.
deb: static
	rm -rf build/deb
	cpack --config build/static/CPackConfig.cmake -G DEB -B build/deb

# Which libraries are in the static executable, in which versions and by which licences: it is written
# whenever that is linked, and is in each package.
sbom: static
	cp build/static/pgcask.spdx.json build/static/licenses.txt build

test:
	scripts/test

demo:
	scripts/demo

format:
	git ls-files --cached --others --exclude-standard --deduplicate '*.c' '*.h' | xargs ls -d 2>/dev/null | xargs clang-format -i

clean:
	rm -rf build
