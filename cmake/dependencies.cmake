# Libraries from the distribution. Their static archives are preferred where one file is built;
# docs/architecture.md says what each is for.
find_package(Threads REQUIRED)
if(PGCASK_STATIC)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
  set(OPENSSL_USE_STATIC_LIBS ON)
endif()
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)

function(pgcask_find_library target header)
  find_path(${target}_INCLUDE ${header} REQUIRED)
  find_library(${target}_LIBRARY NAMES ${ARGN} REQUIRED)
  add_library(dep::${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(dep::${target} PROPERTIES
    IMPORTED_LOCATION "${${target}_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${${target}_INCLUDE}")
endfunction()

pgcask_find_library(lz4 lz4frame.h lz4)
pgcask_find_library(zstd zstd.h zstd)
pgcask_find_library(xxhash xxhash.h xxhash)
pgcask_find_library(jansson jansson.h jansson)
pgcask_find_library(utf8proc utf8proc.h utf8proc)
pgcask_find_library(nghttp2 nghttp2/nghttp2.h nghttp2)
pgcask_find_library(protobuf_c protobuf-c/protobuf-c.h protobuf-c)
find_program(PROTOC_C protoc-c REQUIRED)
