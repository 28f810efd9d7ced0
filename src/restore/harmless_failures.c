/*
 * What fails wherever the role that restores is no superuser, or the database is not as new as
 * template0, and is there all the same: the schema public, the language plpgsql, an extension that
 * a managed service has made, with its comment and its owner; what a database was set to that this
 * server does not know; and what a script drops, for it makes it anew, and is not there. Each class
 * says exactly what it takes for harmless: by object, by what the server says, and by what was
 * asked of it.
 */
#include "restore/harmless_failures.h"

#include <stddef.h>
#include <string.h>

#define MUST_BE_OWNER "42501"
#define SCHEMA_IS_THERE "42P06"
#define OBJECT_IS_THERE "42710"
#define NOT_ITS_OWN "42P16"
#define NOT_KNOWN "42704"

struct harmless_class {
    const char *name;
    const char *object; /* the whole of it, or how it begins if that ends in a blank */
    const char *sqlstate;
    const char *statement; /* how it begins */
};

static const struct harmless_class classes[] = {
    {"extension_comment", "COMMENT EXTENSION ", MUST_BE_OWNER, "COMMENT ON EXTENSION "},
    /* What is there stays, and is not made. */
    {"extension_kept", "EXTENSION ", MUST_BE_OWNER, "DROP EXTENSION "},
    {"extension_kept", "DROP EXTENSION ", MUST_BE_OWNER, "DROP EXTENSION "}, /* of a script */
    {"extension_exists", "EXTENSION ", OBJECT_IS_THERE, "CREATE EXTENSION "},
    {"public_schema_exists", "SCHEMA public", SCHEMA_IS_THERE, "CREATE SCHEMA "},
    {"public_schema_owner", "SCHEMA public", MUST_BE_OWNER, "ALTER SCHEMA "},
    {"public_schema_comment", "COMMENT SCHEMA public", MUST_BE_OWNER, "COMMENT ON SCHEMA public "},
    /* Of a partition: it goes with that of the whole table. */
    {"inherited_constraint", "CONSTRAINT ", NOT_ITS_OWN, "ALTER TABLE IF EXISTS "},
    /* Of a server that is newer, or has a module loaded. */
    {"unknown_setting", "DATABASE PROPERTIES ", NOT_KNOWN, "ALTER DATABASE "},
    {"plpgsql_exists", "PROCEDURAL LANGUAGE plpgsql", OBJECT_IS_THERE, "CREATE "},
    {"plpgsql_owner", "PROCEDURAL LANGUAGE plpgsql", MUST_BE_OWNER, "ALTER "},
};

static bool is_object(const struct harmless_class *class, const char *object)
{
    size_t len = strlen(class->object);

    return class->object[len - 1] == ' ' ? strncmp(object, class->object, len) == 0
                                         : strcmp(object, class->object) == 0;
}

/* The schema, the object or one that it is named with: a table, a type, a function. */
static bool is_missing(const char *sqlstate)
{
    static const char *const states[] = {"3F000", "42P01", NOT_KNOWN, "42883", "42703"};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(sqlstate, states[i]) == 0)
            return true;
    }
    return false;
}

const char *harmless_failure_class(const char *object, const char *sqlstate, const char *statement,
                                   bool drops)
{
    if (drops && is_missing(sqlstate))
        return "nothing_to_drop";
    if (drops && strcmp(sqlstate, NOT_ITS_OWN) == 0)
        return "inherited_constraint";
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strcmp(sqlstate, classes[i].sqlstate) == 0 && is_object(&classes[i], object) &&
            strncmp(statement, classes[i].statement, strlen(classes[i].statement)) == 0)
            return classes[i].name;
    }
    return NULL;
}
