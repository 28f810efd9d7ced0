/* The version as a text: of the library that was linked, which the header may be older than. */
#include <pgcask/version.h>

/* CMakeLists.txt sees to it that the header has the project's version. */
const char *pgcask_version(void)
{
    return PGCASK_VERSION_STRING;
}
