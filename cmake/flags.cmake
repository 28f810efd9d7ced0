# Compiler and linker flags that every target shares.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")

add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64
                        PGCASK_VERSION="${PROJECT_VERSION}")
add_compile_options(
  -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
  -Wcast-qual -Wformat=2 -Wvla -Wundef -Wwrite-strings -Wswitch-enum
  -fno-strict-aliasing -fstack-protector-strong -fno-omit-frame-pointer)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # The data path goes through a dozen small functions of five libraries for every 32 KiB.
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${PGCASK_LTO})
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU") # unit tests link the same objects without it: that is quick
    set(CMAKE_C_COMPILE_OPTIONS_IPO -flto=auto -ffat-lto-objects)
  endif()
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
if(PGCASK_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()
if(PGCASK_THREAD_SANITIZE)
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
endif()
if(PGCASK_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(PGCASK_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate -fcoverage-mapping)
endif()
