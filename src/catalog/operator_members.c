/* Members of operator classes and families; see the header for whose they are. One query gives all
 * of them, a row for each class or family, its list made by the server. */
#include "catalog/operator_members.h"

#include "catalog/columns.h"

#include <stdlib.h>

/* A member whose operator or function is gone has no text: then there is no list, which fails. */
static const char *const columns[] = {
    [MEMBERS_HOLDER] = "m.holder",
    [MEMBERS_SCHEMA] = "pg_catalog.min(m.nspname::pg_catalog.text)",
    [MEMBERS_NAME] = "pg_catalog.min(m.name::pg_catalog.text)",
    [MEMBERS_METHOD] = "pg_catalog.min(m.amname::pg_catalog.text)",
    [MEMBERS_LIST] = "CASE WHEN pg_catalog.count(*) = pg_catalog.count(m.text) THEN\n"
                     "         pg_catalog.string_agg(m.text, E' ,\\n    '\n"
                     "                               ORDER BY m.functions, m.number, m.text) END",
    [MEMBERS_OPERATORS] = "pg_catalog.string_agg(m.oid::pg_catalog.text, ' ' ORDER BY m.oid)\n"
                          "         FILTER (WHERE NOT m.functions)",
    [MEMBERS_FUNCTIONS] = "pg_catalog.string_agg(m.oid::pg_catalog.text, ' ' ORDER BY m.oid)\n"
                          "         FILTER (WHERE m.functions)",
};

/* clang-format off */
#define IS_MEMBER(catalog, oid)                                                                    \
    "EXISTS (SELECT FROM pg_catalog.pg_depend e\n"                                                 \
    "                 WHERE e.classid = 'pg_catalog." catalog "'::pg_catalog.regclass\n"           \
    "                   AND e.objid = " oid " AND e.deptype = 'e')"
#define OF_OWN_CLASS IN_USERS_SCHEMA " AND NOT " IS_MEMBER("pg_opclass", "c.oid")
#define OF_OWN_FAMILY IN_USERS_SCHEMA " AND NOT " IS_MEMBER("pg_opfamily", "f.oid")
#define OF_OTHERS_FAMILY "(n.nspname ~ '^pg_' OR " IS_MEMBER("pg_opfamily", "f.oid") ")"
#define OPERATOR_IS_DUMPED                                                                         \
    "on_.nspname !~ '^pg_' AND {schema on_.oid} AND NOT " IS_MEMBER("pg_operator", "o.oid")
#define FUNCTION_IS_DUMPED                                                                         \
    "pn.nspname !~ '^pg_' AND {schema pn.oid} AND NOT " IS_MEMBER("pg_proc", "p.oid")

/* Rows of both catalogs in the same shape. */
#define ROWS                                                                                       \
    "(SELECT a.tableoid AS class, a.oid, a.amopfamily AS family, false AS functions,\n"            \
    "        a.amopstrategy AS number,\n"                                                          \
    "        CASE WHEN o.oid IS NOT NULL THEN\n"                                                   \
    "          'OPERATOR ' || a.amopstrategy || ' ' ||\n"                                          \
    "          a.amopopr::pg_catalog.regoperator::pg_catalog.text ||\n"                            \
    "          CASE WHEN a.amopsortfamily = 0 THEN '' ELSE ' FOR ORDER BY ' ||\n"                  \
    "            (SELECT pg_catalog.quote_ident(sn.nspname) || '.' ||\n"                           \
    "                    pg_catalog.quote_ident(s.opfname)\n"                                      \
    "               FROM pg_catalog.pg_opfamily s\n"                                               \
    "               JOIN pg_catalog.pg_namespace sn ON sn.oid = s.opfnamespace\n"                  \
    "              WHERE s.oid = a.amopsortfamily) END END AS text,\n"                             \
    "        (" OPERATOR_IS_DUMPED ") AS dumped\n"                                                 \
    "   FROM pg_catalog.pg_amop a\n"                                                               \
    "   LEFT JOIN pg_catalog.pg_operator o ON o.oid = a.amopopr\n"                                 \
    "   LEFT JOIN pg_catalog.pg_namespace on_ ON on_.oid = o.oprnamespace\n"                       \
    "  WHERE a.oid >= " FIRST_OF_USERS "\n"                                                        \
    " UNION ALL\n"                                                                                 \
    " SELECT a.tableoid, a.oid, a.amprocfamily, true, a.amprocnum,\n"                              \
    "        CASE WHEN p.oid IS NOT NULL THEN\n"                                                   \
    "          'FUNCTION ' || a.amprocnum || ' (' ||\n"                                            \
    "          pg_catalog.format_type(a.amproclefttype, NULL) || ', ' ||\n"                        \
    "          pg_catalog.format_type(a.amprocrighttype, NULL) || ') ' ||\n"                       \
    "          p.oid::pg_catalog.regprocedure::pg_catalog.text END,\n"                             \
    "        (" FUNCTION_IS_DUMPED ")\n"                                                           \
    "   FROM pg_catalog.pg_amproc a\n"                                                             \
    "   LEFT JOIN pg_catalog.pg_proc p ON p.oid = a.amproc::pg_catalog.oid\n"                      \
    "   LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace\n"                         \
    "  WHERE a.oid >= " FIRST_OF_USERS ")"

#define OF_EACH_HOLDER "GROUP BY m.holder\nORDER BY m.holder"

static const char of_classes[] =
    "FROM (SELECT c.oid AS holder, n.nspname, c.opcname AS name, am.amname,\n"
    "             r.functions, r.number, r.text, r.oid\n"
    "        FROM " ROWS " r\n"
    "        JOIN pg_catalog.pg_depend d ON d.classid = r.class AND d.objid = r.oid\n"
    "         AND d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass\n"
    "        JOIN pg_catalog.pg_opclass c ON c.oid = d.refobjid\n"
    "        JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace\n"
    "        JOIN pg_catalog.pg_am am ON am.oid = c.opcmethod\n"
    "       WHERE " OF_OWN_CLASS ") m\n"
    OF_EACH_HOLDER;

/* What is no class's: that a member is a family of the system's pg_depend does not say. */
static const char of_families[] =
    "FROM (SELECT f.oid AS holder, n.nspname, f.opfname AS name, am.amname,\n"
    "             r.functions, r.number, r.text, r.oid\n"
    "        FROM " ROWS " r\n"
    "        JOIN pg_catalog.pg_opfamily f ON f.oid = r.family\n"
    "        JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace\n"
    "        JOIN pg_catalog.pg_am am ON am.oid = f.opfmethod\n"
    "       WHERE NOT EXISTS\n"
    "             (SELECT FROM pg_catalog.pg_depend d\n"
    "               WHERE d.classid = r.class AND d.objid = r.oid\n"
    "                 AND d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass)\n"
    "         AND (" OF_OWN_FAMILY "\n"
    "              OR (r.dumped AND " OF_OTHERS_FAMILY "))) m\n"
    OF_EACH_HOLDER;
/* clang-format on */

typedef bool take_members(struct catalog *catalog, const struct operator_members *members,
                          struct error *err);

static bool take_row(struct catalog *catalog, void *context, const struct catalog_row *row,
                     struct error *err)
{
    take_members **take = context;
    struct operator_members members = {
        .holder = row_oid(row, MEMBERS_HOLDER),
        .schema = row_text(row, MEMBERS_SCHEMA),
        .name = row_text(row, MEMBERS_NAME),
        .method = row_text(row, MEMBERS_METHOD),
        .list = row_text(row, MEMBERS_LIST),
        .operators = row_text_or_null(row, MEMBERS_OPERATORS),
        .functions = row_text_or_null(row, MEMBERS_FUNCTIONS),
    };

    return (*take)(catalog, &members, err);
}

const struct catalog_query operator_members_of_classes = {
    .columns = columns, .count = MEMBERS_COLUMNS, .from = of_classes, .take = take_row};
const struct catalog_query operator_members_of_families = {
    .columns = columns, .count = MEMBERS_COLUMNS, .from = of_families, .take = take_row};

bool operator_members_ask(struct catalog *catalog, bool families, take_members *take,
                          struct error *err)
{
    return catalog_ask(catalog,
                       families ? &operator_members_of_families : &operator_members_of_classes,
                       &take, err);
}

bool operator_set_identity(struct catalog *catalog, struct catalog_object *object,
                           const char *method, struct error *err)
{
    struct sql plain = {.err = err};
    bool done;

    sql_name(&plain, object->name);
    sql_add(&plain, " USING ");
    sql_name(&plain, method);
    done = !plain.failed && catalog_set_identity(catalog, object, sql_text(&plain), err);
    return sql_end(&plain) && done;
}

static bool alias_each(struct catalog *catalog, uint32_t class_oid, const char *oids,
                       struct catalog_object *object, struct error *err)
{
    while (oids != NULL && *oids != '\0') {
        char *end;
        uint32_t oid = (uint32_t)strtoul(oids, &end, 10);

        if (end == oids || !catalog_alias(catalog, class_oid, oid, object, err))
            return false;
        oids = end;
    }
    return true;
}

bool operator_members_alias(struct catalog *catalog, const struct operator_members *members,
                            struct catalog_object *object, struct error *err)
{
    return alias_each(catalog, CLASS_OPERATOR_MEMBER, members->operators, object, err) &&
           alias_each(catalog, CLASS_FUNCTION_MEMBER, members->functions, object, err);
}
