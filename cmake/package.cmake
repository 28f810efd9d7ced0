# What is installed of the program: the component "program", by `make install`, and the component "deb", of
# which CPack makes a Debian package by `make deb`, with what Debian wants where it wants it. Completion for
# shells is what the program prints of its own option table when it has been built.
include(GNUInstallDirs)
set(completion "${CMAKE_BINARY_DIR}/completion")

# pgcask_install_common(COMPONENT ZSH_FOLDER): what both have.
function(pgcask_install_common component zsh_folder)
  install(TARGETS pgcask RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component} ${ARGN})
  install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ${component} ${ARGN}
    FILES_MATCHING PATTERN "*.md" PATTERN "*.schema.json")
  install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ${component} ${ARGN})
  install(DIRECTORY packaging/systemd packaging/kubernetes COMPONENT ${component} ${ARGN}
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
  install(FILES "${completion}/pgcask" COMPONENT ${component} ${ARGN}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES "${completion}/_pgcask" COMPONENT ${component} ${ARGN}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${zsh_folder})
  install(FILES "${completion}/pgcask.fish" COMPONENT ${component} ${ARGN}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endfunction()

pgcask_install_common(program site-functions)
install(FILES man/pgcask.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

# ---- The Debian package --------------------------------------------------------------------------

set(PGCASK_MAINTAINER "The pgcask authors <pgcask@example.org>" CACHE STRING
    "Who answers for the Debian package")
pgcask_install_common(deb vendor-completions EXCLUDE_FROM_ALL)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT deb
  EXCLUDE_FROM_ALL)

if(PGCASK_STATIC)
  install(FILES "${CMAKE_BINARY_DIR}/pgcask.spdx.json" "${CMAKE_BINARY_DIR}/licenses.txt"
    DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT deb EXCLUDE_FROM_ALL)
endif()

# Packed as Debian packs them: without a name and a time inside.
set(debian_changelog "${CMAKE_BINARY_DIR}/changelog.Debian")
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC) # of SOURCE_DATE_EPOCH, if that is set
file(CONFIGURE OUTPUT "${debian_changelog}" @ONLY CONTENT
"pgcask (@PROJECT_VERSION@-1) unstable; urgency=medium

  * What has changed is in changelog.gz.

 -- @PGCASK_MAINTAINER@  @date@
")
function(pgcask_install_packed source target)
  install(CODE "
    set(target \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${target}\")
    cmake_path(GET target PARENT_PATH folder)
    file(MAKE_DIRECTORY \"\${folder}\")
    execute_process(COMMAND gzip -9nc \"${source}\" OUTPUT_FILE \"\${target}\"
                    COMMAND_ERROR_IS_FATAL ANY)
    file(CHMOD \"\${target}\" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)"
    COMPONENT deb EXCLUDE_FROM_ALL)
endfunction()
pgcask_install_packed("${CMAKE_SOURCE_DIR}/man/pgcask.1" share/man/man1/pgcask.1.gz)
pgcask_install_packed("${CMAKE_SOURCE_DIR}/CHANGELOG.md" share/doc/pgcask/changelog.gz)
pgcask_install_packed("${debian_changelog}" share/doc/pgcask/changelog.Debian.gz)

set(architecture amd64)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(architecture arm64)
endif()
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "${PGCASK_MAINTAINER}")
set(CPACK_DEBIAN_DEB_DESCRIPTION
"back up and restore PostgreSQL over its own protocols
pgcask copies a running PostgreSQL cluster, or reads databases into archives that pg_restore takes, and
verifies and restores both. It is one static program that needs no other of PostgreSQL, speaks the
protocols of PostgreSQL 13 to 18 itself, and is also an integration of Plakar.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL deb)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_DEB_PACKAGE_NAME pgcask)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${architecture})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
include(CPack)
