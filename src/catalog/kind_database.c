/* What an archive begins with: how its strings are to be read, and the database itself. */
#include "catalog/catalog_internal.h"

static const struct catalog_kind kind_encoding = {
    .desc = "ENCODING",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_ENCODING,
    .no_owner = true,
    .no_drop = true,
};

static const struct catalog_kind kind_std_strings = {
    .desc = "STDSTRINGS",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_STD_STRINGS,
    .no_owner = true,
    .no_drop = true,
};

static const struct catalog_kind kind_search_path = {
    .desc = "SEARCHPATH",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_SEARCH_PATH,
    .no_owner = true,
    .no_drop = true,
};

static bool add_fixed(struct catalog *catalog, const struct catalog_kind *kind, const char *name,
                      const char *definition, struct error *err)
{
    struct catalog_object *object = catalog_add(catalog, kind, 0, 0, NULL, name, NULL, err);

    return object != NULL && catalog_put_text(catalog, definition, &object->definition, err);
}

static bool read_fixed(struct catalog *catalog, struct error *err)
{
    struct buffer encoding = {0};
    bool done = buffer_append_string(&encoding, "SET client_encoding = ", err) &&
                literal_append(&encoding, catalog->encoding, err) &&
                buffer_append_string(&encoding, ";\n", err) &&
                add_fixed(catalog, &kind_encoding, "ENCODING", buffer_text(&encoding), err) &&
                add_fixed(catalog, &kind_std_strings, "STDSTRINGS",
                          "SET standard_conforming_strings = 'on';\n", err) &&
                add_fixed(catalog, &kind_search_path, "SEARCHPATH",
                          "SELECT pg_catalog.set_config('search_path', '', false);\n", err);

    buffer_free(&encoding);
    return done;
}

const struct catalog_reader catalog_reader_database = {
    .what = "database",
    .order = READ_DATABASE,
    .read = read_fixed,
};
