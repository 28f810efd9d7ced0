/*
 * A query about the server, one about names for each encoding that an archive is in, and one about
 * each database: what is asked for is in lists of names, and only what is said of them comes back,
 * so that it costs the same for ten tables and for a hundred thousand. Each row says what it is
 * about, and findings are made of it where it is read.
 */
#include "restore/restore_plan_internal.h"

#include "base/interim.h"
#include "base/quote.h"
#include "restore/target_databases.h"

#include <stdio.h>

enum { ABOUT, NAME, ONE, TWO, THREE, FOUR };

static const char *text_of(const struct wire_result *rows, size_t row, size_t column)
{
    const char *value = wire_result_value(rows, row, column);

    return value == NULL ? "" : value;
}

static bool flag_of(const struct wire_result *rows, size_t row, size_t column)
{
    return text_of(rows, row, column)[0] == 't';
}

static bool append_names(struct buffer *sql, const struct name_set *set, bool *any,
                         struct error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!buffer_append_string(sql, *any ? ", " : "", err) ||
            !wire_quote_literal(sql, set->items[i].name, err))
            return false;
        *any = true;
    }
    return true;
}

static const char *encoding_of(const struct planned_database *database)
{
    return database->encoding == NULL ? "UTF8" : database->encoding;
}

/* "name (n) AS (SELECT unnest(ARRAY['a', 'b']::text[]))", of that set of every database whose
 * archive is in that encoding. */
static bool append_list(struct buffer *sql, const struct restore_plan *plan, const char *encoding,
                        const char *name, size_t place, struct error *err)
{
    bool any = false;

    if (!buffer_append_string(sql, name, err) ||
        !buffer_append_string(sql, " (n) AS (SELECT DISTINCT pg_catalog.unnest(ARRAY[", err))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct planned_database *database = plan->databases[i];
        const void *set = (const char *)&database->needs + place;

        if (strcmp(encoding_of(database), encoding) == 0 && !append_names(sql, set, &any, err))
            return false;
    }
    return buffer_append_string(sql, "]::pg_catalog.text[]))", err);
}

#define PLACE(member) offsetof(struct restore_needs, member)

/* ---- The server ---- */

static bool append_databases(struct buffer *sql, const struct restore_plan *plan, struct error *err)
{
    if (!buffer_append_string(sql, "databases (n) AS (SELECT pg_catalog.unnest(ARRAY[", err))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        if (!buffer_append_string(sql, i == 0 ? "" : ", ", err) ||
            !wire_quote_literal(sql, plan->databases[i]->name, err))
            return false;
    }
    return buffer_append_string(sql, "]::pg_catalog.text[]))", err);
}

static const char server_rows[] =
    "\nSELECT 'role', current_user::pg_catalog.text, r.rolsuper::pg_catalog.text,\n"
    "       (r.rolsuper OR r.rolcreatedb)::pg_catalog.text,\n"
    "       pg_catalog.pg_is_in_recovery()::pg_catalog.text,\n"
    "       EXISTS (SELECT FROM pg_catalog.pg_collation WHERE collprovider = 'i')\n"
    "         ::pg_catalog.text\n"
    "  FROM pg_catalog.pg_roles r WHERE r.rolname = current_user\n"
    "UNION ALL\n"
    "SELECT 'connections', NULL, pg_catalog.current_setting('max_connections'),\n"
    "       (pg_catalog.current_setting('superuser_reserved_connections')::int +\n"
    "        coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0))\n"
    "         ::pg_catalog.text,\n"
    "       (SELECT pg_catalog.count(*)::pg_catalog.text FROM pg_catalog.pg_stat_activity\n"
    "         WHERE backend_type = 'client backend'), NULL\n"
    "UNION ALL\n"
    "SELECT 'database', d.datname, (NOT d.datallowconn)::pg_catalog.text,\n"
    "       (d.datconnlimit = -2)::pg_catalog.text, d.datistemplate::pg_catalog.text,\n"
    "       pg_catalog.pg_has_role(d.datdba, 'USAGE')::pg_catalog.text\n"
    "  FROM databases JOIN pg_catalog.pg_database d ON d.datname = n\n"
    "UNION ALL\n"
    "SELECT 'current', pg_catalog.current_database(), NULL, NULL, NULL, NULL\n"
    "UNION ALL\n"
    "SELECT 'session', n, pg_catalog.count(*)::pg_catalog.text,\n"
    "       pg_catalog.min('process ' || a.pid || coalesce(', role ' || a.usename, '') ||\n"
    "                      coalesce(', ' || NULLIF(a.application_name, '')\n"
    "                               COLLATE \"C\", '')), NULL, NULL\n"
    "  FROM databases JOIN pg_catalog.pg_stat_activity a ON a.datname = n\n"
    " WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type = 'client backend'\n"
    " GROUP BY n\n"
    "UNION ALL\n"
    "SELECT 'subscription', n, s.subname::pg_catalog.text, NULL, NULL, NULL\n"
    "  FROM databases JOIN pg_catalog.pg_database d ON d.datname = n\n"
    "  JOIN pg_catalog.pg_subscription s ON s.subdbid = d.oid\n"
    "UNION ALL\n"
    "SELECT 'slot', n, r.slot_name::pg_catalog.text, NULL, NULL, NULL\n"
    "  FROM databases JOIN pg_catalog.pg_replication_slots r ON r.database = n\n"
    "UNION ALL\n"
    "SELECT 'left over', d.datname, n, (SELECT pg_catalog.count(*)\n"
    "         FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)::pg_catalog.text,\n"
    "       CASE WHEN pg_catalog.starts_with(c, '" INTERIM_FILLED "') THEN 'filled'\n"
    "            WHEN pg_catalog.starts_with(c, '" INTERIM_REPLACED "') THEN 'replaced'\n"
    "            ELSE coalesce(pg_catalog.quote_literal(pg_catalog.substring(\n"
    "                     c, '" INTERIM_KEPT_COMMENT "(.*)$')), 'NULL') END,\n"
    "       pg_catalog.substring(c, '[0-9-]{10}T[0-9:]{8}Z')\n"
    "  FROM databases JOIN pg_catalog.pg_database d\n"
    "    ON d.datname OPERATOR(pg_catalog.~) '" INTERIM_NAMES "'\n"
    "  JOIN LATERAL pg_catalog.shobj_description(d.oid, 'pg_database') c\n"
    "    ON pg_catalog.starts_with(c, '" INTERIM_FILLED "' || n || '\" ')\n"
    "    OR pg_catalog.starts_with(c, '" INTERIM_REPLACED "' || n || '\" ')\n"
    "    OR pg_catalog.starts_with(c, '" INTERIM_KEPT "' || n || '\" ')";

/* Membership that lets one be made an owner: from 16 on that is the right to SET ROLE. */
static const char name_rows[] =
    "\n"
    "SELECT 'missing owner', n, NULL, NULL, NULL, NULL FROM owners\n"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = n)\n"
    "UNION ALL\n"
    "SELECT 'foreign owner', n, r.rolsuper::pg_catalog.text, NULL, NULL, NULL\n"
    "  FROM owners JOIN pg_catalog.pg_roles r ON r.rolname = n\n"
    " WHERE NOT pg_catalog.pg_has_role(r.oid, {set})\n"
    "UNION ALL\n"
    "SELECT 'missing role', n, NULL, NULL, NULL, NULL FROM roles\n"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = n)\n"
    "   AND NOT n OPERATOR(pg_catalog.=) ANY (SELECT n FROM owners)\n"
    "UNION ALL\n"
    "SELECT 'missing tablespace', n, NULL, NULL, NULL, NULL FROM tablespaces\n"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_tablespace WHERE spcname = n)\n"
    "UNION ALL\n"
    "SELECT 'closed tablespace', n, NULL, NULL, NULL, NULL\n"
    "  FROM tablespaces JOIN pg_catalog.pg_tablespace t ON t.spcname = n\n"
    " WHERE NOT pg_catalog.has_tablespace_privilege(t.oid, 'CREATE')\n"
    "UNION ALL\n"
    "SELECT 'missing extension', n, NULL, NULL, NULL, NULL FROM extensions\n"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions() e WHERE e.name = n)\n"
    "UNION ALL\n"
    "SELECT 'missing version', n, NULL, NULL, NULL, NULL FROM versions\n"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_available_extension_versions() v\n"
    "                   WHERE v.name || '--' || v.version = n)\n"
    "   AND EXISTS (SELECT FROM pg_catalog.pg_available_extensions() e\n"
    "                WHERE pg_catalog.starts_with(n, e.name || '--'))\n"
    "UNION ALL\n"
    "SELECT 'strict extension', n, NULL, NULL, NULL, NULL\n"
    "  FROM extensions JOIN pg_catalog.pg_available_extensions() e ON e.name = n\n"
    "  JOIN pg_catalog.pg_available_extension_versions() v\n"
    "    ON v.name = e.name AND v.version = e.default_version\n"
    " WHERE v.superuser AND NOT v.trusted\n"
    "UNION ALL\n"
    "SELECT 'subscriber', NULL, {subscriber}, NULL, NULL, NULL";

/* What depends on the version stands in {}. */
static bool append_rows(struct buffer *sql, const char *rows, int version, struct error *err)
{
    static const char since_16[] = "pg_catalog.pg_has_role('pg_create_subscription', 'USAGE')"
                                   "::pg_catalog.text";
    bool is_16 = version >= 160000;

    for (const char *brace; (brace = strchr(rows, '{')) != NULL; rows = strchr(brace, '}') + 1) {
        const char *text =
            brace[2] == 'e' ? (is_16 ? "'SET'" : "'MEMBER'") : (is_16 ? since_16 : "'false'");

        if (!buffer_append(sql, rows, (size_t)(brace - rows), err) ||
            !buffer_append_string(sql, text, err))
            return false;
    }
    return buffer_append_string(sql, rows, err);
}

static bool append_server_query(struct buffer *sql, const struct restore_plan *plan,
                                struct error *err)
{
    return buffer_append_string(sql, "WITH ", err) && append_databases(sql, plan, err) &&
           buffer_append_string(sql, server_rows, err);
}

static bool append_name_query(struct buffer *sql, const struct restore_plan *plan,
                              const char *encoding, struct error *err)
{
    static const struct {
        const char *name;
        size_t place;
    } named[] = {
        {"owners", PLACE(owners)},           {"roles", PLACE(roles)},
        {"tablespaces", PLACE(tablespaces)}, {"extensions", PLACE(extensions)},
        {"versions", PLACE(versions)},
    };

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (!buffer_append_string(sql, i == 0 ? "WITH " : ",\n", err) ||
            !append_list(sql, plan, encoding, named[i].name, named[i].place, err))
            return false;
    }
    return append_rows(sql, name_rows, plan->server.version, err);
}

/* ---- What is made of its rows ---- */

#define NAMES_TOLD 8

/* Names that one finding is about. */
struct missing {
    const char *about;          /* of the rows */
    const char *before, *after; /* of the command that mends one; NULL: there is none for each */
    struct buffer names, commands;
    struct name_set seen; /* in another encoding the same may be asked again */
    size_t count;
};

enum {
    MISSING_OWNERS,
    MISSING_ROLES,
    FOREIGN_OWNERS,
    MISSING_TABLESPACES,
    CLOSED_TABLESPACES,
    MISSING_EXTENSIONS,
    MISSING_VERSIONS,
    STRICT_EXTENSIONS,
    MISSING_LISTS
};

struct server_reading {
    struct restore_plan *plan;
    struct missing missing[MISSING_LISTS];
    struct error *err;
};

/* "CREATE ROLE a;  CREATE ROLE b;", but "GRANT a, b" where nothing ends each. */
static bool append_command(struct missing *missing, const char *quoted, struct error *err)
{
    bool first = missing->commands.len == 0, joined = missing->after[0] == '\0';

    return buffer_printf(&missing->commands, err, "%s%s%s%s",
                         first    ? ""
                         : joined ? ", "
                                  : "  ",
                         first || !joined ? missing->before : "", quoted, missing->after);
}

static bool note_missing(struct missing *missing, const char *name, bool mends, struct error *err)
{
    char quoted[QUOTE_NAME_SIZE];

    if (name_set_has(&missing->seen, name))
        return true;
    if (!name_set_add(&missing->seen, name, NULL, err))
        return false;
    if (missing->count++ >= NAMES_TOLD)
        return true;
    quote_identifier(name, quoted, sizeof(quoted));
    return buffer_printf(&missing->names, err, "%s%s", missing->count == 1 ? "" : ", ", quoted) &&
           (!mends || missing->before == NULL || append_command(missing, quoted, err));
}

static struct missing *list_of(struct server_reading *reading, const char *about)
{
    for (size_t i = 0; i < MISSING_LISTS; i++) {
        if (strcmp(reading->missing[i].about, about) == 0)
            return &reading->missing[i];
    }
    return NULL;
}

static bool take_row(struct server_reading *reading, const struct wire_result *rows, size_t row)
{
    struct missing *missing = list_of(reading, text_of(rows, row, ABOUT));

    if (missing != NULL)
        return note_missing(missing, text_of(rows, row, NAME), !flag_of(rows, row, ONE),
                            reading->err);
    return restore_plan_take_fact(reading->plan, rows, row) || error_set_memory(reading->err);
}

/* ---- Findings ---- */

static const char *more_of(const struct missing *missing, char out[32])
{
    out[0] = '\0';
    if (missing->count > NAMES_TOLD)
        snprintf(out, 32, " and %zu more", missing->count - NAMES_TOLD);
    return out;
}

/* Globals may still make what is missing now. */
static void judge_roles(struct server_reading *reading)
{
    struct missing *owners = &reading->missing[MISSING_OWNERS];
    struct missing *roles = &reading->missing[MISSING_ROLES];
    struct restore_plan *plan = reading->plan;
    char more[32], remedy[1024];

    if (plan->globals_expected)
        return;
    if (owners->count > 0) {
        snprintf(remedy, sizeof(remedy), "%s  or leave owners away: %s",
                 buffer_text(&owners->commands), ERROR_OPTION("no-owner"));
        preflight_add(plan->report, true, remedy, "roles that are to own objects are missing: %s%s",
                      buffer_text(&owners->names), more_of(owners, more));
    }
    if (roles->count > 0) {
        snprintf(remedy, sizeof(remedy), "%s  or leave away what names them: %s, %s",
                 buffer_text(&roles->commands), ERROR_OPTION("no-privileges"),
                 ERROR_OPTION("no-policies"));
        preflight_add(plan->report, true, remedy,
                      "roles that privileges or policies name are missing: %s%s",
                      buffer_text(&roles->names), more_of(roles, more));
    }
}

/* A role of a superuser's is not recommended to anybody. */
static void judge_foreign(struct server_reading *reading)
{
    struct missing *foreign = &reading->missing[FOREIGN_OWNERS];
    struct restore_plan *plan = reading->plan;
    char more[32], remedy[1024], role[QUOTE_NAME_SIZE];
    bool mends = foreign->commands.len > 0;

    if (foreign->count == 0 || plan->server.superuser)
        return;
    quote_identifier(plan->server.role == NULL ? "" : plan->server.role, role, sizeof(role));
    snprintf(remedy, sizeof(remedy), "%s%s%s%s%s: %s", buffer_text(&foreign->commands),
             mends ? " TO " : "", mends ? role : "", mends ? ";  or leave" : "Leave",
             " owners away", ERROR_OPTION("no-owner"));
    preflight_add(plan->report, restore_request_ends_on_failure(plan->request), remedy,
                  "the role %s may not make these owners of objects: %s%s", role,
                  buffer_text(&foreign->names), more_of(foreign, more));
}

static void judge_tablespaces(struct server_reading *reading)
{
    struct missing *missing = &reading->missing[MISSING_TABLESPACES];
    struct missing *closed = &reading->missing[CLOSED_TABLESPACES];
    struct restore_plan *plan = reading->plan;
    char more[32], remedy[1024], role[QUOTE_NAME_SIZE];

    if (missing->count > 0 && !plan->globals_expected) {
        snprintf(remedy, sizeof(remedy), "%s  or leave them away: %s",
                 buffer_text(&missing->commands), ERROR_OPTION("no-tablespaces"));
        preflight_add(plan->report, true, remedy, "tablespaces are missing: %s%s",
                      buffer_text(&missing->names), more_of(missing, more));
    }
    if (closed->count > 0) {
        quote_identifier(plan->server.role == NULL ? "" : plan->server.role, role, sizeof(role));
        snprintf(remedy, sizeof(remedy),
                 "GRANT CREATE ON TABLESPACE %s TO %s;  or leave them "
                 "away: %s",
                 buffer_text(&closed->names), role, ERROR_OPTION("no-tablespaces"));
        preflight_add(plan->report, restore_request_ends_on_failure(plan->request), remedy,
                      "the role %s may not put anything into these tablespaces: %s%s", role,
                      buffer_text(&closed->names), more_of(closed, more));
    }
}

static void judge_extensions(struct server_reading *reading)
{
    struct missing *missing = &reading->missing[MISSING_EXTENSIONS];
    struct missing *versions = &reading->missing[MISSING_VERSIONS];
    struct missing *strict = &reading->missing[STRICT_EXTENSIONS];
    struct restore_plan *plan = reading->plan;
    bool fatal = restore_request_ends_on_failure(plan->request);
    char more[32];

    if (missing->count > 0)
        preflight_add(plan->report, fatal,
                      "Install their packages on the server: pg_available_extensions lists what "
                      "it has. What needs them will fail.",
                      "extensions that the server does not have: %s%s",
                      buffer_text(&missing->names), more_of(missing, more));
    if (versions->count > 0)
        preflight_add(plan->report, fatal,
                      "Install packages with these versions: pg_available_extension_versions lists "
                      "what the server has. What needs them will fail.",
                      "versions of extensions that the server does not have: %s%s",
                      buffer_text(&versions->names), more_of(versions, more));
    if (strict->count > 0 && !plan->server.superuser)
        preflight_add(plan->report, fatal, buffer_text(&strict->commands),
                      "extensions that only a superuser can create, where they are not there yet: "
                      "%s%s",
                      buffer_text(&strict->names), more_of(strict, more));
}

static bool read_rows(struct server_reading *reading, struct wire_conn *conn,
                      const struct buffer *sql)
{
    struct wire_result *rows = NULL;
    bool done = wire_query(conn, buffer_text(sql), &rows, reading->err);

    for (size_t row = 0; done && row < wire_result_rows(rows); row++)
        done = take_row(reading, rows, row);
    wire_result_free(rows);
    return done;
}

static void judge_all(struct server_reading *reading)
{
    judge_roles(reading);
    judge_foreign(reading);
    judge_tablespaces(reading);
    judge_extensions(reading);
}

static const struct missing lists[MISSING_LISTS] = {
    [MISSING_OWNERS] = {.about = "missing owner", .before = "CREATE ROLE ", .after = ";"},
    [MISSING_ROLES] = {.about = "missing role", .before = "CREATE ROLE ", .after = ";"},
    [FOREIGN_OWNERS] = {.about = "foreign owner", .before = "GRANT ", .after = ""},
    [MISSING_TABLESPACES] = {.about = "missing tablespace",
                             .before = "CREATE TABLESPACE ",
                             .after = " LOCATION '…';"},
    [CLOSED_TABLESPACES] = {.about = "closed tablespace"},
    [MISSING_EXTENSIONS] = {.about = "missing extension"},
    [MISSING_VERSIONS] = {.about = "missing version"},
    [STRICT_EXTENSIONS] = {.about = "strict extension",
                           .before = "As a superuser, in that database: CREATE EXTENSION ",
                           .after = ";"},
};

static bool set_encoding(struct wire_conn *conn, const char *encoding, struct error *err)
{
    struct buffer sql = {0};
    bool done = buffer_append_string(&sql, "SET client_encoding = ", err) &&
                wire_quote_literal(&sql, encoding, err) &&
                wire_query(conn, buffer_text(&sql), NULL, err);

    buffer_free(&sql);
    return done;
}

static bool ask_names(struct server_reading *reading, struct wire_conn *conn, const char *encoding)
{
    struct buffer names = {0};
    bool done = set_encoding(conn, encoding, reading->err) &&
                append_name_query(&names, reading->plan, encoding, reading->err) &&
                read_rows(reading, conn, &names);

    buffer_free(&names);
    return done;
}

static bool is_first_of_encoding(const struct restore_plan *plan, size_t number)
{
    for (size_t i = 0; i < number; i++) {
        if (strcmp(encoding_of(plan->databases[i]), encoding_of(plan->databases[number])) == 0)
            return false;
    }
    return true;
}

/* A database is found by the bytes of its name, as in a startup message; what else has a name is
 * called as in its archive, and so in the encoding of that. */
bool restore_plan_ask_server(struct restore_plan *plan, struct wire_conn *conn, struct error *err)
{
    struct server_reading reading = {.plan = plan, .err = err};
    struct buffer server = {0};
    bool done;

    memcpy(reading.missing, lists, sizeof(lists));
    plan->server.version = wire_server_version(conn);
    done = append_server_query(&server, plan, err) && read_rows(&reading, conn, &server);
    for (size_t i = 0; done && i < plan->count; i++)
        done = !is_first_of_encoding(plan, i) ||
               ask_names(&reading, conn, encoding_of(plan->databases[i]));
    if (done)
        judge_all(&reading);
    buffer_free(&server);
    for (size_t i = 0; i < MISSING_LISTS; i++) {
        buffer_free(&reading.missing[i].names);
        buffer_free(&reading.missing[i].commands);
        name_set_reset(&reading.missing[i].seen);
    }
    return done;
}
