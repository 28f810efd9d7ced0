/* Subscriptions. A restored one neither connects nor is enabled, whatever it was: whoever restores
 * it says when it may take over from the other. Where to connect may be a password as well, which
 * is why only superusers may read it: others get a backup without subscriptions, and are told. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_subscription = {
    .desc = "SUBSCRIPTION",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_SUBSCRIPTION,
};

enum {
    OID,
    NAME,
    OWNER,
    OWNER_OID,
    CONNECTION,
    PUBLICATIONS,
    SLOT,
    BINARY,
    STREAMING,
    TWO_PHASE,
    DISABLE_ON_ERROR,
    PASSWORD_REQUIRED,
    RUN_AS_OWNER,
    FAILOVER,
    SYNCHRONOUS_COMMIT,
    ORIGIN,
    COLUMNS
};

/* NULL is what every server does by itself. That is another thing with streaming from version to
 * version, so that it is always said. */
static const struct version_difference differences[] = {
    {"subbinary", 0, "NULL"},
    {"subbinary", 14, "CASE WHEN s.subbinary THEN 'true' END"},
    {"substream", 0, "NULL"},
    {"substream", 14, "CASE WHEN s.substream THEN 'on' ELSE 'off' END"},
    {"substream", 16,
     "CASE s.substream WHEN 't' THEN 'on' WHEN 'p' THEN 'parallel' ELSE 'off' END"},
    {"subtwophasestate", 0, "NULL"},
    {"subtwophasestate", 15, "CASE WHEN s.subtwophasestate <> 'd' THEN 'on' END"},
    {"subdisableonerr", 0, "NULL"},
    {"subdisableonerr", 15, "CASE WHEN s.subdisableonerr THEN 'true' END"},
    {"subpasswordrequired", 0, "NULL"},
    {"subpasswordrequired", 16, "CASE WHEN NOT s.subpasswordrequired THEN 'false' END"},
    {"subrunasowner", 0, "NULL"},
    {"subrunasowner", 16, "CASE WHEN s.subrunasowner THEN 'true' END"},
    {"subfailover", 0, "NULL"},
    {"subfailover", 17, "CASE WHEN s.subfailover THEN 'true' END"},
    {"suborigin", 0, "NULL"},
    {"suborigin", 16, "NULLIF(s.suborigin, 'any')"},
    {0},
};

static const char publications[] =
    "(SELECT pg_catalog.string_agg(pg_catalog.quote_ident(u.name), ', ' ORDER BY u.number)\n"
    "          FROM pg_catalog.unnest(s.subpublications) WITH ORDINALITY u (name, number))";

static const char *const columns[] = {
    [OID] = "s.oid",
    [NAME] = "s.subname",
    [OWNER] = "r.rolname",
    [OWNER_OID] = "s.subowner",
    [CONNECTION] = "s.subconninfo",
    [PUBLICATIONS] = publications,
    [SLOT] = "s.subslotname",
    [BINARY] = "{subbinary}",
    [STREAMING] = "{substream}",
    [TWO_PHASE] = "{subtwophasestate}",
    [DISABLE_ON_ERROR] = "{subdisableonerr}",
    [PASSWORD_REQUIRED] = "{subpasswordrequired}",
    [RUN_AS_OWNER] = "{subrunasowner}",
    [FAILOVER] = "{subfailover}",
    [SYNCHRONOUS_COMMIT] = "pg_catalog.quote_ident(NULLIF(s.subsynccommit, 'off'))",
    [ORIGIN] = "{suborigin}",
};

static const struct option {
    size_t column;
    const char *begin;
} options[] = {
    {BINARY, ", binary = "},
    {STREAMING, ", streaming = "},
    {TWO_PHASE, ", two_phase = "},
    {DISABLE_ON_ERROR, ", disable_on_error = "},
    {PASSWORD_REQUIRED, ", password_required = "},
    {RUN_AS_OWNER, ", run_as_owner = "},
    {FAILOVER, ", failover = "},
    {SYNCHRONOUS_COMMIT, ", synchronous_commit = "},
    {ORIGIN, ", origin = "},
};

#define OF_THIS_DATABASE                                                                           \
    "WHERE s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d\n"                              \
    "                    WHERE d.datname = pg_catalog.current_database())\n"

static const char from[] = "FROM pg_catalog.pg_subscription s\n"
                           "LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.subowner\n" //
    OF_THIS_DATABASE "ORDER BY s.subname, s.oid";

/* pg_subscription has no home: who may not read all of it may not read its xmax either. */
static bool check_owner(const struct catalog_row *row, struct error *err)
{
    struct sql name = {.err = err};

    if (row_text_or_null(row, OWNER) != NULL)
        return true;
    sql_name(&name, row_text(row, NAME));
    if (name.failed)
        return sql_end(&name);
    error_set(err, ERROR_UNSUPPORTED,
              "SUBSCRIPTION %s has the owner with OID %s, which is not there", sql_text(&name),
              row_text(row, OWNER_OID));
    error_hint(err, "Give it to a role: ALTER SUBSCRIPTION %s OWNER TO …;", sql_text(&name));
    sql_end(&name);
    return false;
}

static void add_with(struct sql *sql, const struct catalog_row *row)
{
    sql_add(sql, " WITH (connect = false, slot_name = ");
    if (row_text_or_null(row, SLOT) == NULL)
        sql_add(sql, "NONE");
    else
        sql_literal(sql, row_text_or_null(row, SLOT));
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        sql_clause(sql, options[i].begin, row_text_or_null(row, options[i].column), "");
    sql_add(sql, ");\n");
}

static bool take_subscription(struct catalog *catalog, void *context, const struct catalog_row *row,
                              struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (!check_owner(row, err))
        return false;
    object = catalog_add(catalog, &kind_subscription, CLASS_SUBSCRIPTION, row_oid(row, OID), NULL,
                         row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE SUBSCRIPTION %s CONNECTION ", object->identity);
    sql_literal(&sql, row_text(row, CONNECTION));
    sql_clause(&sql, " PUBLICATION ", row_text(row, PUBLICATIONS), "");
    add_with(&sql, row);
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query subscriptions = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_subscription,
    .differences = differences,
};

/* ---- Where they may not be read ---- */

enum { READABLE, COUNT, NAMES, SECRET_COLUMNS };

static const char *const secret_columns[] = {
    /* Up to 14 everybody may read a few columns only, and not even the oid. */
    [READABLE] = ("NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a\n"
                  "             WHERE a.attrelid = 'pg_catalog.pg_subscription'::\n"
                  "                                pg_catalog.regclass AND a.attnum > 0\n"
                  "               AND NOT pg_catalog.has_column_privilege(a.attrelid, a.attnum,\n"
                  "                                                       'SELECT'))"),
    [COUNT] = "pg_catalog.count(*)",
    [NAMES] = "pg_catalog.string_agg(pg_catalog.quote_ident(s.subname), ', ' ORDER BY s.subname)",
};

static const char secret_from[] = "FROM pg_catalog.pg_subscription s\n" OF_THIS_DATABASE;

static bool take_readable(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    bool *readable = context;

    *readable = row_flag(row, READABLE);
    return *readable || row_number(row, COUNT) == 0 ||
           catalog_leave_out(catalog, err,
                             "subscriptions are left out, since only a superuser may read where "
                             "they connect to: %s",
                             row_text(row, NAMES));
}

static const struct catalog_query readable_query = {
    .columns = secret_columns,
    .count = SECRET_COLUMNS,
    .from = secret_from,
    .take = take_readable,
};

static bool read_subscriptions(struct catalog *catalog, struct error *err)
{
    bool readable = false;

    if (catalog_options(catalog)->data_only)
        return true; /* nobody asked for what may not be read */
    return catalog_ask(catalog, &readable_query, &readable, err) &&
           (!readable || catalog_ask(catalog, &subscriptions, NULL, err));
}

const struct catalog_step catalog_step_subscription = {
    .what = "subscriptions",
    .whole_only = true,
    .order = READ_OF_TABLES + 9,
    .read = read_subscriptions,
};
