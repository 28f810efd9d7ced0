# pgcask_floor(NAME FLOOR n FACE header.h… SOURCES … LINKS … [PRIVATE …]) makes src/NAME into one
# static library.
#
# FLOOR is the storey that docs/architecture.md gives the folder. LINKS are the libraries whose types
# the face's headers name: who links this one may include theirs, too. PRIVATE are those that its
# sources alone need. A link to something that is on a higher floor, or that is not there (yet), fails
# the configuration.
#
# FACE names the headers that others may include, as "NAME/header.h". They see a folder that holds
# links to these and to nothing else, so that an include of another header of src/NAME, or of a folder
# that is not linked, does not even compile. Unit tests and fuzz targets look inside:
# pgcask_look_inside(TARGET).
function(pgcask_floor name)
  cmake_parse_arguments(THE "" "FLOOR" "FACE;SOURCES;LINKS;PRIVATE" ${ARGN})
  if(NOT THE_FLOOR OR THE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "src/${name}: which FLOOR? And what is \"${THE_UNPARSED_ARGUMENTS}\"?")
  endif()
  set(face "${CMAKE_BINARY_DIR}/faces/${name}")
  set(inside "${CMAKE_BINARY_DIR}/inside/${name}")
  file(REMOVE_RECURSE "${face}")
  file(MAKE_DIRECTORY "${face}/${name}" "${inside}")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/src/${name}" "${inside}/${name}" SYMBOLIC)
  foreach(header IN LISTS THE_FACE)
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${header}")
      message(FATAL_ERROR "src/${name} shows ${header}, which is not there")
    endif()
    file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}/${header}" "${face}/${name}/${header}" SYMBOLIC)
  endforeach()
  add_library(${name} STATIC ${THE_SOURCES})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME "pgcask_${name}" PGCASK_FLOOR ${THE_FLOOR})
  foreach(link IN LISTS THE_LINKS THE_PRIVATE)
    if(NOT TARGET ${link})
      message(FATAL_ERROR "src/${name} links ${link}, which is unknown, or above it")
    endif()
    get_target_property(floor_of_link ${link} PGCASK_FLOOR)
    if(floor_of_link AND floor_of_link GREATER THE_FLOOR)
      message(FATAL_ERROR "src/${name} is on floor ${THE_FLOOR} and links ${link} on floor "
                          "${floor_of_link}: only what is below may be linked")
    endif()
  endforeach()
  target_include_directories(${name} PRIVATE "${inside}" INTERFACE "${face}")
  target_link_libraries(${name} PUBLIC ${THE_LINKS} PRIVATE ${THE_PRIVATE})
  set_property(GLOBAL APPEND PROPERTY PGCASK_INSIDES "${inside}")
endfunction()

# Lets the target include every header of every floor.
function(pgcask_look_inside target)
  get_property(insides GLOBAL PROPERTY PGCASK_INSIDES)
  target_include_directories(${target} BEFORE PRIVATE ${insides})
endfunction()
