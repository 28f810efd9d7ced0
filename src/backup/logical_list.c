/*
 * Which databases a job backs up: the one that is named, or where none is every one that allows
 * connections and is wanted. Asked of whichever database lets us in.
 */
#include "backup/logical_internal.h"

#include "backup/sessions_internal.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error_names.h"
#include "base/interim.h"
#include "base/quote.h"
#include "catalog/pattern.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Patterns ---- */

/* What is known of a pattern's databases. */
struct match {
    bool now;           /* it matches the database that is looked at */
    bool any, enters;   /* a database; one that is backed up, if all is well */
    const char *absent; /* the first that cannot be; NULL: none */
    enum logical_why why;
};

struct choice {
    const char *option;
    char **items;
    size_t count;
    struct match *matches;
};

static void free_choice(struct choice *choice)
{
    options_items_free(choice->items);
    free(choice->matches);
}

static bool make_choice(struct choice *choice, const char *option, const struct option_list *list,
                        struct error *err)
{
    *choice = (struct choice){.option = option};
    choice->items = options_items_new(list, option, err);
    if (choice->items == NULL)
        return false;
    while (choice->items[choice->count] != NULL)
        choice->count++;
    choice->matches = calloc(choice->count + 1, sizeof(*choice->matches));
    return choice->matches != NULL || error_set_memory(err);
}

/* A name as it is matches itself, whatever the pattern makes of its capitals. */
static bool append_pattern(struct buffer *sql, const char *item, struct error *err)
{
    struct pattern pattern;
    bool done = pattern_parse(&pattern, item, PATTERN_OF_NAME, err) &&
                buffer_append_string(sql, "d.datname::pg_catalog.text = ", err) &&
                wire_quote_literal(sql, item, err) && buffer_append_string(sql, " OR ", err) &&
                pattern_append_match(sql, "d.datname", pattern.name, err);

    pattern_free(&pattern);
    return done;
}

/* One column, because a query has 1,664 at most: the numbers of the patterns that match. */
static bool append_choice(struct buffer *sql, const struct choice *choice, struct error *err)
{
    if (!buffer_append_string(sql, ",\n       pg_catalog.array_positions(ARRAY[", err))
        return false;
    for (size_t i = 0; i < choice->count; i++) {
        if ((i > 0 && !buffer_append_string(sql, ",\n         ", err)) ||
            !append_pattern(sql, choice->items[i], err))
            return false;
    }
    return buffer_append_string(sql, "]::pg_catalog.bool[], true)", err);
}

static bool is_true(const struct wire_result *result, size_t row, size_t column)
{
    const char *value = wire_result_value(result, row, column);

    return value != NULL && value[0] == 't';
}

/* Whether a pattern matches the row's database: by the column that append_choice made. */
static bool is_chosen(struct choice *choice, const struct wire_result *result, size_t row,
                      size_t column)
{
    const char *numbers = wire_result_value(result, row, column);
    bool chosen = false;

    for (size_t i = 0; i < choice->count; i++)
        choice->matches[i].now = false;
    while (numbers != NULL && (numbers = strpbrk(numbers, "0123456789")) != NULL) {
        char *end;
        unsigned long number = strtoul(numbers, &end, 10);

        numbers = end;
        if (number == 0 || number > choice->count)
            continue;
        choice->matches[number - 1].now = choice->matches[number - 1].any = chosen = true;
    }
    return chosen;
}

/* Of the row's database, as is_chosen found it. absent: its name; NULL if it is backed up. */
static void note_match(struct choice *choice, const char *absent, enum logical_why why)
{
    for (size_t i = 0; i < choice->count; i++) {
        struct match *match = &choice->matches[i];

        if (!match->now)
            continue;
        if (absent == NULL)
            match->enters = true;
        else if (match->absent == NULL) {
            match->absent = absent;
            match->why = why;
        }
    }
}

static bool fail_absent(const struct choice *choice, size_t number, struct error *err)
{
    const struct match *match = &choice->matches[number];
    char text[LOGICAL_REMEDY_SIZE];
    const char *remedy = logical_absent_remedy(match->absent, match->why, text);

    error_set(err, ERROR_USAGE,
              ERROR_OPTION("%s") ": no database that matches %s can be backed up: \"%s\": %s",
              choice->option, choice->items[number], match->absent,
              logical_absent_reason(match->why));
    return error_hint(err, "%s", remedy == NULL ? "Name another." : remedy);
}

/* Whoever asks for a database must not take a backup without it for one that has it. */
static bool check_choice(const struct choice *choice, struct error *err)
{
    for (size_t i = 0; i < choice->count; i++) {
        const struct match *match = &choice->matches[i];

        if (!match->any)
            return error_set(err, ERROR_USAGE, ERROR_OPTION("%s") ": no database matches %s",
                             choice->option, choice->items[i]);
        if (match->absent != NULL && !match->enters)
            return fail_absent(choice, i, err);
    }
    return true;
}

/* ---- The list ---- */

enum { OID, NAME, ALLOWS_CONNECTIONS, INVALID, IS_INTERIM, IS_PROVIDERS, WANTED, UNWANTED };

/* A managed service keeps databases of its own beside its customers': by their names, or by the
 * roles that own them where nobody else may enter. Whoever may act as their owner is no customer,
 * but for whoever logs in with tokens of AWS. */
#define COLUMN_IS_AMAZONS "d.datname = 'rdsadmin' OR\n       "
#define COLUMN_IS_PROVIDERS                                                                        \
    "NOT pg_catalog.pg_has_role(d.datdba, 'USAGE') AND\n"                                          \
    "       (d.datname IN ('rdsadmin', 'cloudsqladmin', 'alloydbadmin', 'alloydbmetadata',\n"      \
    "                      'azure_maintenance', 'azure_sys', '_aiven', '_dodb') OR\n"              \
    "        (o.rolname IN ('rdsadmin', 'cloudsqladmin', 'alloydbadmin', 'azuresu',\n"             \
    "                       'azure_superuser') AND\n"                                              \
    "         NOT pg_catalog.has_database_privilege(d.oid, 'CONNECT')))"

/* What a restore fills, or has left: nobody's data, or not all of it. */
#define COLUMN_IS_INTERIM                                                                          \
    "d.datname OPERATOR(pg_catalog.~) '" INTERIM_NAMES "' AND EXISTS (\n"                          \
    "         SELECT FROM pg_catalog.shobj_description(d.oid, 'pg_database') c\n"                  \
    "          WHERE pg_catalog.starts_with(c, '" INTERIM_FILLED "') OR\n"                         \
    "                pg_catalog.starts_with(c, '" INTERIM_KEPT "') OR\n"                           \
    "                pg_catalog.starts_with(c, '" INTERIM_REPLACED "'))"

struct search {
    struct logical_backup *job;
    struct choice wanted, unwanted;
    struct wire_result *result;
};

static bool ask_for_databases(struct search *search, struct wire_conn *conn, struct error *err)
{
    struct buffer sql = {0};
    bool done =
        /* -2 marks what a DROP DATABASE that was interrupted left. template0 is every cluster's
         * own, and a script could not make it, whoever may connect to it. */
        buffer_append_string(&sql,
                             "SELECT d.oid, d.datname,\n"
                             "       d.datallowconn AND d.datname <> 'template0',\n"
                             "       d.datconnlimit = -2,\n"
                             "       " COLUMN_IS_INTERIM ",\n"
                             "       ",
                             err) &&
        buffer_append_string(
            &sql, wire_settings_want_tokens(search->job->request.settings) ? COLUMN_IS_AMAZONS : "",
            err) &&
        buffer_append_string(&sql, COLUMN_IS_PROVIDERS, err) &&
        append_choice(&sql, &search->wanted, err) && append_choice(&sql, &search->unwanted, err) &&
        buffer_append_string(&sql,
                             "\n  FROM pg_catalog.pg_database d\n"
                             "  LEFT JOIN pg_catalog.pg_roles o ON o.oid = d.datdba\n"
                             " ORDER BY d.datname",
                             err) &&
        wire_query(conn, buffer_text(&sql), &search->result, err);

    buffer_free(&sql);
    return done;
}

const char *logical_absent_reason(enum logical_why why)
{
    switch (why) {
    case LOGICAL_IS_INVALID:
        return "it is invalid, a DROP DATABASE was interrupted";
    case LOGICAL_IS_CLOSED:
        return "it does not allow connections";
    case LOGICAL_IS_INTERIM:
        return "a restore is filling it, or has left it";
    case LOGICAL_IS_PROVIDERS:
        break;
    }
    return "it is the provider's own";
}

const char *logical_absent_remedy(const char *name, enum logical_why why,
                                  char remedy[LOGICAL_REMEDY_SIZE])
{
    char quoted[QUOTE_NAME_SIZE];

    quote_identifier(name, quoted, sizeof(quoted));
    switch (why) {
    case LOGICAL_IS_INVALID:
        snprintf(remedy, LOGICAL_REMEDY_SIZE, "DROP DATABASE %s;", quoted);
        return remedy;
    case LOGICAL_IS_CLOSED:
        snprintf(remedy, LOGICAL_REMEDY_SIZE, "ALTER DATABASE %s ALLOW_CONNECTIONS true;", quoted);
        return remedy;
    case LOGICAL_IS_INTERIM:
        snprintf(remedy, LOGICAL_REMEDY_SIZE, "If no restore is at work: DROP DATABASE %s;",
                 quoted);
        return remedy;
    case LOGICAL_IS_PROVIDERS:
        break;
    }
    return NULL;
}

static void tell_absent(const struct logical_backup *job, const struct logical_absent *absent)
{
    const char *reason = logical_absent_reason(absent->why);
    char text[LOGICAL_REMEDY_SIZE];
    const char *remedy = logical_absent_remedy(absent->name, absent->why, text);

    log_message(job->request.log, LOG_WARNING, "database \"%s\" is left out: %s%s%s", absent->name,
                reason, remedy == NULL ? "" : ": ", remedy == NULL ? "" : remedy);
}

static bool leave_out(struct search *search, const char *name, enum logical_why why,
                      struct error *err)
{
    struct logical_backup *job = search->job;
    struct logical_absent *grown =
        realloc(job->absent, (job->absent_count + 1) * sizeof(*job->absent));

    if (grown == NULL)
        return error_set_memory(err);
    job->absent = grown;
    grown += job->absent_count;
    *grown = (struct logical_absent){.name = strdup(name), .why = why};
    if (grown->name == NULL)
        return error_set_memory(err);
    job->absent_count++;
    tell_absent(job, grown);
    return true;
}

/* Whoever names a provider's database, or a restore's, means it. */
static bool is_absent(const struct wire_result *result, size_t row, bool wanted,
                      enum logical_why *why)
{
    if (is_true(result, row, INVALID))
        *why = LOGICAL_IS_INVALID;
    else if (!wanted && is_true(result, row, IS_INTERIM))
        *why = LOGICAL_IS_INTERIM;
    else if (!wanted && is_true(result, row, IS_PROVIDERS))
        *why = LOGICAL_IS_PROVIDERS;
    else if (!is_true(result, row, ALLOWS_CONNECTIONS))
        *why = LOGICAL_IS_CLOSED;
    else
        return false;
    return true;
}

/* Nobody misses template0. */
static bool is_backed_up(struct search *search, size_t row, bool *done, struct error *err)
{
    const struct wire_result *result = search->result;
    bool wanted = is_chosen(&search->wanted, result, row, WANTED);
    bool unwanted = is_chosen(&search->unwanted, result, row, UNWANTED);
    const char *name = wire_result_value(result, row, NAME);
    enum logical_why why = LOGICAL_IS_CLOSED;

    if ((search->wanted.count > 0 && !wanted) || unwanted || name == NULL)
        return false;
    if (!is_absent(result, row, wanted, &why)) {
        note_match(&search->wanted, NULL, why);
        return true;
    }
    note_match(&search->wanted, name, why);
    *done = strcmp(name, "template0") == 0 || leave_out(search, name, why, err);
    return false;
}

static bool add_database(struct logical_backup *job, const struct wire_result *result, size_t row,
                         struct error *err)
{
    struct logical_database *database = &job->databases[job->database_count];
    const char *oid = wire_result_value(result, row, OID);
    const char *name = wire_result_value(result, row, NAME);

    if (oid == NULL || name == NULL)
        return error_set(err, ERROR_PROTOCOL, "pg_database has a null where it cannot be");
    database->job = job;
    database->oid = (uint32_t)strtoul(oid, NULL, 10);
    database->number = (uint32_t)++job->database_count;
    database->name = strdup(name);
    return database->name != NULL || error_set_memory(err);
}

static bool make_list(struct search *search, struct error *err)
{
    struct logical_backup *job = search->job;
    size_t rows = wire_result_rows(search->result);

    job->databases = calloc(rows + 1, sizeof(*job->databases));
    if (job->databases == NULL)
        return error_set_memory(err);
    for (size_t row = 0; row < rows; row++) {
        bool done = true;

        if (is_backed_up(search, row, &done, err))
            done = add_database(job, search->result, row, err);
        if (!done)
            return false;
    }
    if (!check_choice(&search->wanted, err) || !check_choice(&search->unwanted, err))
        return false;
    return job->database_count > 0 ||
           error_set(err, ERROR_USAGE,
                     "no database is left to back up: of those that match, none "
                     "allows connections");
}

/* In a script, because others are made of template1: what they have from it must not be there yet.
 * Else because nobody makes a database of one that has sessions, so that ours ends as soon as it
 * may. What the layout calls it stays as it is. */
static void put_template_first(struct logical_backup *job)
{
    for (size_t i = 1; i < job->database_count; i++) {
        struct logical_database database = job->databases[i];

        if (strcmp(database.name, "template1") != 0)
            continue;
        memmove(&job->databases[1], &job->databases[0], i * sizeof(database));
        job->databases[0] = database;
    }
}

/* ---- How many at once ---- */

/* Half of what is free, so that the server's other users do not come to closed doors. */
static bool ask_for_room(struct logical_backup *job, struct wire_conn *conn, struct error *err)
{
    static const char sql[] =
        "SELECT pg_catalog.current_setting('max_connections')::int"
        "     - pg_catalog.current_setting('superuser_reserved_connections')::int"
        "     - coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0)"
        "     - coalesce((SELECT pg_catalog.sum(numbackends)"
        "                   FROM pg_catalog.pg_stat_database), 0)";
    struct wire_result *result;
    const char *value;
    long free_slots;

    if (!wire_query(conn, sql, &result, err))
        return false;
    value = wire_result_value(result, 0, 0);
    free_slots = value == NULL ? 0 : strtol(value, NULL, 10);
    wire_result_free(result);
    job->together = free_slots < 4 ? 1 : (size_t)free_slots / 2;
    if (job->together > LOGICAL_TOGETHER_MAX)
        job->together = LOGICAL_TOGETHER_MAX;
    if (job->together > job->database_count)
        job->together = job->database_count;
    return true;
}

/* ---- All of it ---- */

/* The preflight's session may still count where there is room for few. */
static bool connect_in_turn(struct logical_backup *job, const struct wire_settings *settings,
                            struct wire_conn **conn, struct error *err)
{
    for (int tries = 0;
         !sessions_connect_any(conn, settings, "pgcask backup", sessions_encoding(settings),
                               job->request.cancel, job->request.log, err);
         tries++) {
        if (!sessions_try_again(job->request.cancel, tries, SESSIONS_TRIES, err))
            return false;
    }
    return true;
}

static bool search_all(struct search *search, struct error *err)
{
    struct logical_backup *job = search->job;
    const struct wire_settings *settings =
        job->pinned == NULL ? job->request.settings : job->pinned;
    struct wire_conn *conn = NULL;
    bool done;

    if (!connect_in_turn(job, settings, &conn, err))
        return false;
    if (job->pinned == NULL)
        job->pinned = wire_settings_pin(settings, conn, err);
    done = job->pinned != NULL && ask_for_databases(search, conn, err) && make_list(search, err) &&
           ask_for_room(job, conn, err);
    if (done)
        put_template_first(job);
    wire_close(conn);
    return done;
}

static bool list_all(struct logical_backup *job, struct error *err)
{
    struct search search = {.job = job};
    bool done =
        make_choice(&search.wanted, "databases", &job->request.databases, err) &&
        make_choice(&search.unwanted, "exclude-databases", &job->request.exclude_databases, err) &&
        search_all(&search, err);

    wire_result_free(search.result);
    free_choice(&search.wanted);
    free_choice(&search.unwanted);
    return done;
}

bool logical_list_databases(struct logical_backup *job, struct error *err)
{
    if (job->request.all_databases)
        return list_all(job, err);
    job->databases = calloc(1, sizeof(*job->databases));
    if (job->databases == NULL)
        return error_set_memory(err);
    job->databases[0].job = job;
    job->databases[0].number = 1;
    job->database_count = job->together = 1;
    return true;
}
