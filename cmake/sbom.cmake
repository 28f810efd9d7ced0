# Writes the bill of materials (SPDX 2.3, JSON) of a static executable and the licences of what is in it: of
# the archives that the linker says it read. Names and versions are the package manager's.
#
# Variables: READ, the linker's dependency file; BINARY_DIR, what lies in it is ours; VERSION, PROCESSOR;
# SYSROOT, with a package database of its own, or empty; SBOM and LICENSES, the files to write.
cmake_minimum_required(VERSION 3.25)

# The archive; what SPDX calls the licence of what of it is linked; its pkg-config name.
set(known
  "libssl|Apache-2.0|libssl" "libcrypto|Apache-2.0|libcrypto" "libz|Zlib|zlib"
  "liblz4|BSD-2-Clause|liblz4" "libzstd|BSD-3-Clause|libzstd" "libxxhash|BSD-2-Clause|libxxhash"
  "libjansson|MIT|jansson" "libutf8proc|MIT AND Unicode-DFS-2015|libutf8proc"
  "libnghttp2|MIT|libnghttp2" "libprotobuf-c|BSD-2-Clause|libprotobuf-c"
  "libc|LGPL-2.1-or-later|" "libpthread|LGPL-2.1-or-later|" "libm|LGPL-2.1-or-later|"
  "libdl|LGPL-2.1-or-later|" "librt|LGPL-2.1-or-later|" "libresolv|LGPL-2.1-or-later|"
  "libgcc|GPL-3.0-or-later WITH GCC-exception-3.1|"
  "libgcc_eh|GPL-3.0-or-later WITH GCC-exception-3.1|")

function(run result)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE text RESULT_VARIABLE status ERROR_QUIET
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT status EQUAL 0)
    set(text "")
  endif()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

if(SYSROOT)
  file(REAL_PATH "${SYSROOT}" SYSROOT)
endif()

file(READ "${READ}" read)
string(REGEX MATCHALL "[^ \\\n]+\\.a" archives "${read}")
list(TRANSFORM archives STRIP)
set(real_archives)
foreach(archive IN LISTS archives)
  file(REAL_PATH "${archive}" archive BASE_DIRECTORY "${BINARY_DIR}")
  cmake_path(IS_PREFIX BINARY_DIR "${archive}" ours)
  if(NOT ours)
    list(APPEND real_archives "${archive}")
  endif()
endforeach()
list(REMOVE_DUPLICATES real_archives)
list(SORT real_archives)

set(packages)
set(relations)
set(licenses "What of others is in the executable pgcask, and the licences of it.\n")
set(told)
foreach(archive IN LISTS real_archives)
  cmake_path(GET archive STEM LAST_ONLY library)
  set(row ${known})
  list(FILTER row INCLUDE REGEX "^${library}\\|")
  if(NOT row)
    message(FATAL_ERROR "cmake/sbom.cmake does not know the licence of ${archive}")
  endif()
  string(REGEX REPLACE "^[^|]*\\|([^|]*)\\|.*" "\\1" license "${row}")
  string(REGEX REPLACE ".*\\|" "" module "${row}")

  set(version NOASSERTION)
  set(reference)
  set(origin "${library}")
  # What the cross compiler itself has is this machine's.
  set(database)
  set(root)
  set(installed "${archive}")
  cmake_path(IS_PREFIX SYSROOT "${archive}" of_sysroot)
  if(SYSROOT AND of_sysroot)
    set(database "--admindir=${SYSROOT}/var/lib/dpkg")
    set(root "${SYSROOT}")
    string(REGEX REPLACE "^${SYSROOT}/" "/" installed "${archive}")
  endif()
  run(owner dpkg-query ${database} -S "${installed}")
  string(REGEX REPLACE ": .*" "" owner "${owner}")
  if(owner)
    run(version dpkg-query ${database} -W -f "\${source:Version}" "${owner}")
    run(origin dpkg-query ${database} -W -f "\${source:Package}" "${owner}")
    run(purl dpkg-query ${database} -W -f "\${Package}@\${Version}?arch=\${Architecture}" "${owner}")
    string(REPLACE "+" "%2B" purl "${purl}")
    set(reference ",
      \"externalRefs\": [{
        \"referenceCategory\": \"PACKAGE-MANAGER\",
        \"referenceType\": \"purl\",
        \"referenceLocator\": \"pkg:deb/debian/${purl}\"
      }]")
    string(REGEX REPLACE ":.*" "" owner "${owner}")
    set(text "${root}/usr/share/doc/${owner}/copyright")
    if(EXISTS "${text}" AND NOT owner IN_LIST told)
      file(READ "${text}" text)
      string(APPEND licenses "\n---- ${owner} ----\n\n${text}")
      list(APPEND told "${owner}")
    endif()
  elseif(module)
    run(version pkg-config --modversion "${module}")
  endif()
  string(REPLACE "_" "-" id "${library}")
  string(APPEND packages ",
    {
      \"SPDXID\": \"SPDXRef-${id}\",
      \"name\": \"${library}\",
      \"versionInfo\": \"${version}\",
      \"sourceInfo\": \"linked statically; of the source package ${origin}\",
      \"downloadLocation\": \"NOASSERTION\",
      \"filesAnalyzed\": false,
      \"licenseConcluded\": \"${license}\",
      \"licenseDeclared\": \"${license}\",
      \"copyrightText\": \"NOASSERTION\"${reference}
    }")
  string(APPEND relations ",
    {
      \"spdxElementId\": \"SPDXRef-pgcask\",
      \"relationshipType\": \"STATIC_LINK\",
      \"relatedSpdxElement\": \"SPDXRef-${id}\"
    }")
endforeach()

string(TIMESTAMP now "%Y-%m-%dT%H:%M:%SZ" UTC) # of SOURCE_DATE_EPOCH, if that is set
string(SHA256 hash "${PROCESSOR} ${VERSION} ${packages}")
file(WRITE "${SBOM}" "{
  \"spdxVersion\": \"SPDX-2.3\",
  \"dataLicense\": \"CC0-1.0\",
  \"SPDXID\": \"SPDXRef-DOCUMENT\",
  \"name\": \"pgcask-${VERSION}-${PROCESSOR}\",
  \"documentNamespace\": \"https://spdx.org/spdxdocs/pgcask-${VERSION}-${hash}\",
  \"creationInfo\": {
    \"created\": \"${now}\",
    \"creators\": [\"Tool: pgcask-${VERSION}\"]
  },
  \"packages\": [
    {
      \"SPDXID\": \"SPDXRef-pgcask\",
      \"name\": \"pgcask\",
      \"versionInfo\": \"${VERSION}\",
      \"downloadLocation\": \"NOASSERTION\",
      \"filesAnalyzed\": false,
      \"licenseConcluded\": \"ISC\",
      \"licenseDeclared\": \"ISC\",
      \"copyrightText\": \"Copyright (c) 2026 The pgcask authors\",
      \"primaryPackagePurpose\": \"APPLICATION\"
    }${packages}
  ],
  \"relationships\": [
    {
      \"spdxElementId\": \"SPDXRef-DOCUMENT\",
      \"relationshipType\": \"DESCRIBES\",
      \"relatedSpdxElement\": \"SPDXRef-pgcask\"
    }${relations}
  ]
}
")
file(WRITE "${LICENSES}" "${licenses}")
