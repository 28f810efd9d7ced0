/* What this version cannot dump: to leave it out in silence would be to lose it. */
#include "catalog/kind.h"

#include <stdio.h>

struct found {
    size_t count;
    char first[400];
    char last_kind[40];
    char kinds[900]; /* one of each */
};

static bool take_object(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct found *found = context;
    size_t used = strlen(found->kinds);

    (void)err;
    if (row_oid(row, 1) != 0 && row_oid(row, 2) != 0 &&
        catalog_find(catalog, row_oid(row, 1), row_oid(row, 2)) != NULL)
        return true; /* an extension's */
    if (found->count++ == 0)
        snprintf(found->first, sizeof(found->first), "%s %s", row_text(row, 0), row_text(row, 3));
    if (strcmp(found->last_kind, row_text(row, 0)) == 0)
        return true;
    snprintf(found->last_kind, sizeof(found->last_kind), "%s", row_text(row, 0));
    snprintf(found->kinds + used, sizeof(found->kinds) - used, "%s%s %s", used == 0 ? "" : ", ",
             row_text(row, 0), row_text(row, 3));
    return true;
}

static bool read_unsupported(struct catalog *catalog, struct error *err)
{
    static const char query[] =
/* What hangs on another object as a part of it (deptype 'i') is made with that. */
#define PART(kind, table, name)                                                                    \
    "SELECT '" kind "', '" table "'::pg_catalog.regclass::pg_catalog.oid, o.oid, "                 \
    "       " name "::pg_catalog.text FROM " table " o WHERE o.oid >= 16384 "                      \
    "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d "                                       \
    "                    WHERE d.classid = '" table "'::pg_catalog.regclass "                      \
    "                      AND d.objid = o.oid AND d.deptype = 'i') UNION ALL "
        PART("language", "pg_catalog.pg_language", "o.lanname") PART(
            "cast", "pg_catalog.pg_cast",
            "(pg_catalog.format_type(o.castsource, NULL) || ' AS ' || "
            " pg_catalog.format_type(o.casttarget, NULL))") PART("transform",
                                                                 "pg_catalog.pg_transform", "o.oid")
            PART("operator", "pg_catalog.pg_operator", "o.oid::pg_catalog.regoperator") PART(
                "access method", "pg_catalog.pg_am",
                "o.amname") PART("operator class", "pg_catalog.pg_opclass",
                                 "o.opcname") PART("operator family", "pg_catalog.pg_opfamily",
                                                   "o.opfname") PART("collation",
                                                                     "pg_catalog.pg_collation",
                                                                     "o.collname")
                PART("conversion", "pg_catalog.pg_conversion", "o.conname") PART(
                    "text search parser", "pg_catalog.pg_ts_parser",
                    "o.prsname") PART("text search template", "pg_catalog.pg_ts_template",
                                      "o.tmplname") PART("text search dictionary",
                                                         "pg_catalog.pg_ts_dict", "o.dictname")
                    PART("text search configuration", "pg_catalog.pg_ts_config", "o.cfgname") PART(
                        "foreign data wrapper", "pg_catalog.pg_foreign_data_wrapper",
                        "o.fdwname") PART("foreign server", "pg_catalog.pg_foreign_server",
                                          "o.srvname")
                        PART("event trigger", "pg_catalog.pg_event_trigger", "o.evtname") PART(
                            "publication", "pg_catalog.pg_publication",
                            "o.pubname") PART("default privilege", "pg_catalog.pg_default_acl",
                                              "('of ' || pg_catalog.pg_get_userbyid(o.defaclrole))")
                            PART("large object", "pg_catalog.pg_largeobject_metadata",
                                 "o.oid") "SELECT 'subscription', 0, 0, s.subname "
                                          "  FROM pg_catalog.pg_subscription s "
                                          "  JOIN pg_catalog.pg_database d ON d.oid = s.subdbid "
                                          " WHERE d.datname = pg_catalog.current_database() "
                                          "UNION ALL "
                                          "SELECT 'foreign table', "
                                          "'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog."
                                          "oid, "
                                          "       c.oid, "
                                          "c.oid::pg_catalog.regclass::pg_catalog.text "
                                          "  FROM pg_catalog.pg_class c WHERE c.relkind = 'f' "
                                          "UNION ALL "
                                          "SELECT 'security label', 0, 0, l.objtype || ' ' || "
                                          "l.objname "
                                          "  FROM pg_catalog.pg_seclabels l";
    struct found found = {0};

    if (!catalog_query(catalog, query, 4, take_object, &found, err))
        return false;
    if (found.count == 0)
        return true;
    error_set(err, ERROR_UNSUPPORTED,
              "objects that cannot be backed up logically yet: %zu, the "
              "first is %s",
              found.count, found.first);
    error_detail(err, "One of each kind: %s.", found.kinds);
    return error_hint(err, "postgres+bin:// backs the whole cluster up physically, with all it "
                           "holds.");
}

const struct catalog_reader catalog_reader_unsupported = {
    .what = "kinds that cannot be dumped",
    .order = READ_UNSUPPORTED,
    .read = read_unsupported,
};
