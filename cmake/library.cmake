# libpgcask.a and libpgcask.so: the floor "library" and what it needs of the floors below, made into one relocatable
# object of which only the names that start with pgcask_ can be seen from outside.
#
# Its sources are compiled once more for that: as machine code (the archives of the floors hold what
# link-time optimization wants, which only the same compiler understands) that may become part of a
# shared object. PGCASK_LIBRARY says whether that is done with everything else; the target
# pgcask_library is always there, and so is the component "library" of the installation.
set(by_default OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT PGCASK_STATIC)
  set(by_default ON)
endif()
option(PGCASK_LIBRARY "Build and install libpgcask.a and libpgcask.so" ${by_default})

file(STRINGS include/pgcask/version.h line REGEX "PGCASK_VERSION_STRING \"")
if(NOT line MATCHES "\"${PROJECT_VERSION}\"")
  message(FATAL_ERROR "include/pgcask/version.h has another version than CMakeLists.txt")
endif()

# ---- Which sources, and which libraries of others ------------------------------------------------

# What others' libraries are called by pkg-config, users before what they use. utf8proc's file has a
# definition for compilers, which is no business of those who include our headers: it is linked by name.
set(PGCASK_OTHERS
  "OpenSSL::SSL libssl" "OpenSSL::Crypto libcrypto" "ZLIB::ZLIB zlib"
  "dep::lz4 liblz4" "dep::zstd libzstd" "dep::xxhash libxxhash" "dep::jansson jansson"
  "dep::utf8proc -lutf8proc")

# Appends the floor and all it links to `floors`, and what is not ours to `others`.
function(pgcask_visit target)
  get_target_property(links ${target} LINK_LIBRARIES)
  list(APPEND floors ${target})
  foreach(link IN LISTS links)
    if(link MATCHES "::")
      list(APPEND others ${link})
    elseif(NOT link IN_LIST floors)
      pgcask_visit(${link})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES others)
  set(floors "${floors}" PARENT_SCOPE)
  set(others "${others}" PARENT_SCOPE)
endfunction()

function(pgcask_sources_of floor result)
  get_target_property(sources ${floor} SOURCES)
  get_target_property(folder ${floor} SOURCE_DIR)
  list(TRANSFORM sources PREPEND "${folder}/" REGEX "^[^/]") # what is generated has a whole path
  set(${result} ${sources} PARENT_SCOPE)
endfunction()

set(floors)
set(others)
pgcask_visit(library)
list(REMOVE_ITEM others Threads::Threads) # every program has them, spelt differently
set(pkgconfig_names)
set(pkgconfig_libs)
set(others_linked)
set(library_names)
set(linked)
foreach(known IN LISTS PGCASK_OTHERS)
  string(REPLACE " " ";" known "${known}")
  list(GET known 0 other)
  list(GET known 1 name)
  if(other IN_LIST others)
    list(REMOVE_ITEM others ${other})
    if(name MATCHES "^-l")
      list(APPEND pkgconfig_libs ${name})
    else()
      list(APPEND pkgconfig_names ${name})
    endif()
    list(APPEND others_linked ${other})
    string(REPLACE "dep::" "pgcask::" own_target ${other})
    list(APPEND linked ${own_target})
    if(other MATCHES "^dep::(.*)")
      list(APPEND library_names ${CMAKE_MATCH_1})
    endif()
  endif()
endforeach()
if(others)
  message(FATAL_ERROR "cmake/library.cmake does not know what pkg-config calls ${others}")
endif()

# ---- Building it ---------------------------------------------------------------------------------

# The face is taken whole, of the other floors only what it needs.
pgcask_sources_of(library face_sources)
set(floor_sources)
foreach(floor IN LISTS floors)
  if(NOT floor STREQUAL "library")
    pgcask_sources_of(${floor} sources)
    list(APPEND floor_sources ${sources})
  endif()
endforeach()
add_library(pgcask_face OBJECT EXCLUDE_FROM_ALL ${face_sources})
add_library(pgcask_floors STATIC EXCLUDE_FROM_ALL ${floor_sources})
foreach(part pgcask_face pgcask_floors)
  set_target_properties(${part} PROPERTIES
    INTERPROCEDURAL_OPTIMIZATION OFF POSITION_INDEPENDENT_CODE ON)
  pgcask_look_inside(${part}) # one target made of all floors
  target_include_directories(${part} PRIVATE
    $<TARGET_PROPERTY:library,INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_definitions(${part} PRIVATE NDEBUG) # a host's process is not ours to end
  # Texts that are cut are cut on purpose; here gcc sees more of them than with link-time
  # optimization, where it looks too late for -Werror.
  target_compile_options(${part} PRIVATE -ffunction-sections -fdata-sections
    $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>)
endforeach()

set(object "${CMAKE_BINARY_DIR}/pgcask_library.o")
add_custom_command(
  OUTPUT "${object}"
  COMMAND "${CMAKE_LINKER}" -r -o "${object}" $<TARGET_OBJECTS:pgcask_face>
          $<TARGET_FILE:pgcask_floors>
  COMMAND "${CMAKE_OBJCOPY}" --wildcard "--keep-global-symbol=pgcask_*" "${object}"
  DEPENDS pgcask_face pgcask_floors $<TARGET_OBJECTS:pgcask_face>
  COMMAND_EXPAND_LISTS VERBATIM
  COMMENT "Making one object of the library")
set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
add_library(pgcask_library STATIC "${object}")
set_target_properties(pgcask_library PROPERTIES
  LINKER_LANGUAGE C OUTPUT_NAME pgcask EXPORT_NAME pgcask
  ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
target_link_libraries(pgcask_library INTERFACE $<INSTALL_INTERFACE:${linked}>
                      $<INSTALL_INTERFACE:Threads::Threads>)

# The same object as a shared library. Its name has the version's first two numbers, because while the
# first one is 0 the second one says that programs are to be built anew; so have its symbols.
set(map "${CMAKE_BINARY_DIR}/pgcask.map")
set(soversion "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
file(CONFIGURE OUTPUT "${map}" CONTENT "PGCASK_@soversion@ { global: pgcask_*; local: *; };\n" @ONLY)
add_library(pgcask_shared SHARED "${object}")
set_target_properties(pgcask_shared PROPERTIES
  LINKER_LANGUAGE C OUTPUT_NAME pgcask EXPORT_NAME shared VERSION ${PROJECT_VERSION}
  SOVERSION ${soversion} LINK_DEPENDS "${map}" INTERPROCEDURAL_OPTIMIZATION OFF
  LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
target_link_options(pgcask_shared PRIVATE "-Wl,--version-script=${map}" -Wl,--as-needed
  $<$<NOT:$<OR:$<BOOL:${PGCASK_SANITIZE}>,$<BOOL:${PGCASK_THREAD_SANITIZE}>>>:-Wl,-z,defs>)
target_link_libraries(pgcask_shared PRIVATE ${others_linked} Threads::Threads)
add_dependencies(pgcask_shared pgcask_library) # one of them makes the object

# ---- Installing it -------------------------------------------------------------------------------

set(component COMPONENT library)
if(NOT PGCASK_LIBRARY)
  set_target_properties(pgcask_library pgcask_shared PROPERTIES EXCLUDE_FROM_ALL TRUE)
  set(component COMPONENT library EXCLUDE_FROM_ALL)
endif()
include(CMakePackageConfigHelpers)
set(generated "${CMAKE_BINARY_DIR}/package")
set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/pgcask")
configure_package_config_file(cmake/pgcaskConfig.cmake.in "${generated}/pgcaskConfig.cmake"
  INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file("${generated}/pgcaskConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
# pkg-config knows where the file lies: the prefix may be moved.
file(RELATIVE_PATH pkgconfig_to_prefix
     "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" pkgconfig_to_prefix "${pkgconfig_to_prefix}")
list(JOIN pkgconfig_names ", " pkgconfig_names)
list(JOIN pkgconfig_libs " " pkgconfig_libs)
configure_file(cmake/pgcask.pc.in "${generated}/pgcask.pc" @ONLY)
configure_file(cmake/pgcask-static.pc.in "${generated}/pgcask-static.pc" @ONLY)

install(TARGETS pgcask_library pgcask_shared EXPORT pgcaskTargets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${component}
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${component}
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT pgcaskTargets NAMESPACE pgcask:: DESTINATION "${package_folder}" ${component})
install(FILES "${generated}/pgcaskConfig.cmake" "${generated}/pgcaskConfigVersion.cmake"
  DESTINATION "${package_folder}" ${component})
install(FILES "${generated}/pgcask.pc" "${generated}/pgcask-static.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" ${component})
install(DIRECTORY include/pgcask DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" ${component}
  FILES_MATCHING PATTERN "*.h")
install(DIRECTORY examples DESTINATION "${CMAKE_INSTALL_DOCDIR}" ${component}
  FILES_MATCHING PATTERN "*.c" PATTERN "CMakeLists.txt" PATTERN "Makefile")
