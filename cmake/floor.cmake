# pgcask_floor(NAME SOURCES … LINKS …) makes src/NAME into one static library.
#
# The library's headers are reachable as "NAME/…" only for targets that link it: the include
# path is a folder that holds nothing but a link to src/NAME. An include of a higher floor
# therefore does not even compile.
function(pgcask_floor name)
  cmake_parse_arguments(FLOOR "" "" "SOURCES;LINKS" ${ARGN})
  set(face "${CMAKE_BINARY_DIR}/faces/${name}")
  file(MAKE_DIRECTORY "${face}")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/src/${name}" "${face}/${name}" SYMBOLIC)
  add_library(${name} STATIC ${FLOOR_SOURCES})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME "pgcask_${name}")
  target_include_directories(${name} PUBLIC "${face}")
  target_link_libraries(${name} PUBLIC ${FLOOR_LINKS})
endfunction()
