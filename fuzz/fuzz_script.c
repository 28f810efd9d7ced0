/*
 * Scripts for psql: all.sql and globals.sql, and those of pg_dump. The first byte chooses the
 * pieces.
 *
 * Holds: the pieces do not matter; all that was taken is the statements, the rows and what was
 * passed over, in its order; each statement is one, alone, too; what nobody wants is found as well;
 * where no more than the beginnings of statements are held, nothing is lost of them.
 * Limits: -malloc_limit_mb=1 -max_len=16384
 */
#include "archive/sql_script.h"
#include "support/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct trace trace;
    struct slice rest; /* of the input: what was not given back yet */
    uint64_t rows;
};

static bool take_back(struct run *run, struct slice bytes)
{
    must(bytes.len <= run->rest.len);
    must(slice_equals(bytes, slice_take(&run->rest, bytes.len)));
    return true;
}

static bool take_statement(void *context, const struct sql_statement *statement, struct error *err)
{
    struct run *run = context;
    struct slice text = statement->text;
    struct buffer out = {0};

    trace_number(&run->trace, (uint64_t)statement->kind);
    trace_number(&run->trace, statement->line);
    trace_data(&run->trace, text);
    must(text.len > 0 && text.data[text.len] == '\0' && text.data[text.len - 1] == ';');
    must(sql_statement_excerpt(text, 100, &out, err) && out.len <= 110);
    buffer_clear(&out);
    (void)sql_statement_name(text, &out, err);
    must(out.len <= text.len);
    buffer_free(&out);
    return take_back(run, text);
}

static bool take_connect(void *context, const char *database, uint64_t line, struct error *err)
{
    struct run *run = context;

    (void)err;
    must(database[0] != '\0' && strlen(database) < 1024);
    trace_number(&run->trace, line);
    trace_text(&run->trace, database);
    return true;
}

static bool take_rows(void *context, struct slice rows, struct error *err)
{
    struct run *run = context;

    (void)err;
    trace_data(&run->trace, rows);
    return take_back(run, rows);
}

static bool take_rows_end(void *context, uint64_t rows, struct error *err)
{
    struct run *run = context;

    (void)err;
    run->rows += rows;
    trace_number(&run->trace, rows);
    return true;
}

static bool take_passed(void *context, struct slice bytes, struct error *err)
{
    (void)err;
    return take_back(context, bytes);
}

#define HELD 24

/* The statement comes behind its rest. */
static bool take_beginning(void *context, const struct sql_statement *statement, struct error *err)
{
    struct trace *trace = context;

    (void)err;
    trace_number(trace, statement->rest);
    trace_data(trace, statement->text);
    must(statement->text.len <= HELD && statement->text.data[statement->text.len] == '\0');
    must(statement->rest == 0 || statement->text.len == HELD);
    return true;
}

static bool take_rest(void *context, struct slice bytes, struct error *err)
{
    (void)err;
    trace_data(context, bytes);
    return true;
}

static bool feed_all(struct sql_script *script, struct slice input, size_t piece_size,
                     struct error *err)
{
    struct feed feed = {.rest = input, .piece = piece_size};
    struct slice piece;
    bool ok = true;

    while (ok && feed_next(&feed, &piece))
        ok = sql_script_feed(script, piece, err);
    feed_end(&feed);
    return ok && sql_script_finish(script, err);
}

static struct trace run_once(struct slice input, size_t piece_size)
{
    struct run run = {.rest = input};
    const struct sql_script_handler handler = {.context = &run,
                                               .statement = take_statement,
                                               .rows = take_rows,
                                               .rows_end = take_rows_end,
                                               .connect = take_connect,
                                               .passed = take_passed};
    const struct sql_script_handler none = {.context = NULL};
    struct error err = {0}, other = {0};
    struct sql_script *script = sql_script_new(&handler, &err),
                      *blind = sql_script_new(&none, &err);
    bool ok, blind_ok;

    must(script != NULL && blind != NULL);
    ok = feed_all(script, input, piece_size, &err);
    blind_ok = feed_all(blind, input, piece_size, &other);
    must(ok == blind_ok && sql_script_rows(script) == sql_script_rows(blind));
    must(sql_script_rows(script) == run.rows);
    must(!ok || run.rest.len == 0);
    trace_end(&run.trace, ok, &err);
    sql_script_free(script);
    sql_script_free(blind);
    return run.trace;
}

static struct trace run_beginnings(struct slice input, size_t piece_size)
{
    struct trace trace = {0};
    const struct sql_script_handler handler = {
        .context = &trace, .statement = take_beginning, .rest = take_rest, .held = HELD};
    struct error err = {0};
    struct sql_script *script = sql_script_new(&handler, &err);

    bool ok;

    must(script != NULL);
    ok = feed_all(script, input, piece_size, &err);
    /* How much of a statement has gone on when a later byte of it fails depends on the pieces. */
    if (!ok)
        trace = (struct trace){0};
    trace_end(&trace, ok, &err);
    sql_script_free(script);
    return trace;
}

/* Each takes something off, and all of the text is taken. */
static void run_statements(struct slice text)
{
    struct slice statement;

    while (text.len > 0) {
        size_t len = text.len;

        if (!sql_statement_next(&text, false, NULL, &statement))
            must(text.len == 0);
        else
            must(statement.len > 0 && text.len < len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    size_t piece = (size_t)feed_choice(&input) + 1;
    struct trace whole = run_once(input, 0), pieces = run_once(input, piece);

    must(trace_equals(&whole, &pieces));
    whole = run_beginnings(input, 0);
    pieces = run_beginnings(input, piece);
    must(trace_equals(&whole, &pieces));
    run_statements(input);
    return 0;
}
