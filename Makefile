# A plain `make` builds build/release/pgcask. The other targets name the CMake presets.
PRESETS = dev tsan release static fuzz coverage clang

release:

.PHONY: $(PRESETS) test demo format clean
$(PRESETS):
	cmake --preset $@
	cmake --build --preset $@

test:
	scripts/test

demo:
	scripts/demo

format:
	git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'fuzz/*.[ch]' | xargs clang-format -i

clean:
	rm -rf build
