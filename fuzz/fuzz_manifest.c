/*
 * The decoder of manifest.json. The first byte chooses the lists, the second the pieces, the rest
 * is the file.
 *
 * Holds: the pieces do not matter, also behind damage; only lists that were asked for are kept;
 * what was read to its end was not damaged.
 *
 * An entry takes some hundred bytes, and all of them 16 MiB at most.
 * Limits: -malloc_limit_mb=4 -max_len=16384
 */
#include "manifest/manifest_decoder.h"
#include "support/feed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void trace_head(struct trace *trace, json_t *head)
{
    const char *name;
    json_t *value;

    must(json_is_object(head));
    json_object_foreach(head, name, value)
    {
        trace_text(trace, name);
        if (json_is_object(value) || json_is_array(value)) {
            char *text = json_dumps(value, JSON_COMPACT);

            must(text != NULL && strcmp(name, "filters") == 0);
            trace_text(trace, text);
            free(text);
            continue;
        }
        trace_text(trace, json_string_value(value));
        trace_number(trace, (uint64_t)json_integer_value(value));
    }
}

static void trace_lists(struct trace *trace, const struct manifest_facts *facts)
{
    for (size_t i = 0; i < facts->database_count; i++) {
        const struct manifest_database *database = &facts->databases[i];

        must(database->tables <= database->relations);
        must(database->not_analysed <= database->tables);
        trace_text(trace, database->name);
        trace_number(trace, database->looked_into);
        trace_number(trace, database->tables);
        trace_number(trace, database->rows < 9e18 ? (uint64_t)database->rows : 0);
    }
    for (size_t i = 0; i < facts->tablespace_count; i++) {
        trace_text(trace, facts->tablespaces[i].name);
        trace_text(trace, facts->tablespaces[i].location);
        trace_number(trace, facts->tablespaces[i].oid);
    }
    for (size_t i = 0; i < facts->unavailable_count; i++) {
        trace_text(trace, facts->unavailable[i].field);
        trace_text(trace, facts->unavailable[i].reason);
    }
}

static struct trace run(struct slice input, unsigned lists, size_t piece_size)
{
    struct feed feed = {.rest = input, .piece = piece_size};
    struct error err;
    struct manifest_decoder *decoder = manifest_decoder_new(lists, &err);
    const struct manifest_facts *facts;
    struct trace trace = {0};
    struct slice piece;
    bool sound = true, ok;

    must(decoder != NULL);
    facts = manifest_decoder_facts(decoder);
    while (feed_next(&feed, &piece))
        sound = manifest_decoder_feed(decoder, piece, &err) && sound;
    ok = manifest_decoder_finish(decoder, &err);
    must(sound || !ok);
    must((lists & MANIFEST_DATABASES) != 0 || facts->database_count == 0);
    must((lists & MANIFEST_TABLESPACES) != 0 || facts->tablespace_count == 0);
    must((lists & MANIFEST_UNAVAILABLE) != 0 || facts->unavailable_count == 0);
    trace_number(&trace, facts->kind);
    trace_number(&trace, facts->options_known);
    trace_number(&trace, facts->summary_digest);
    trace_number(&trace, facts->backup_manifest_digest);
    trace_number(&trace, facts->has_identifier ? facts->system_identifier : 0);
    trace_number(&trace, facts->has_tablespaces);
    trace_head(&trace, facts->head);
    trace_lists(&trace, facts);
    trace_end(&trace, ok, &err);
    manifest_decoder_free(decoder);
    feed_end(&feed);
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    unsigned lists = feed_choice(&input) & 7;
    size_t piece = (size_t)feed_choice(&input) + 1;
    struct trace whole = run(input, lists, 0), pieces = run(input, lists, piece);

    must(trace_equals(&whole, &pieces));
    return 0;
}
