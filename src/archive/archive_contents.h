/*
 * The table of contents of an archive, held: what a restore needs to plan with is in arrays, the
 * texts of an entry are put away and come when they are asked for. An entry costs about 60 bytes
 * and 4 for each that it depends on; its texts are compressed, and what of them is too much lies
 * in an unlinked file.
 *
 * Loaded once, then any number of threads may ask; but see archive_contents_entry.
 */
#ifndef PGCASK_ARCHIVE_ARCHIVE_CONTENTS_H
#define PGCASK_ARCHIVE_ARCHIVE_CONTENTS_H

#include "archive/archive.h"
#include "base/buffer.h"

/* What an entry is called ("desc"), as far as a restore asks. */
enum entry_kind {
    ENTRY_OTHER, /* any that is not known here */
    ENTRY_ENCODING,
    ENTRY_STDSTRINGS,
    ENTRY_SEARCHPATH,
    ENTRY_DATABASE,
    ENTRY_DATABASE_PROPERTIES,
    ENTRY_SCHEMA,
    ENTRY_EXTENSION,
    ENTRY_TYPE,
    ENTRY_SHELL_TYPE,
    ENTRY_DOMAIN,
    ENTRY_PROCEDURAL_LANGUAGE,
    ENTRY_FUNCTION,
    ENTRY_PROCEDURE,
    ENTRY_AGGREGATE,
    ENTRY_CAST,
    ENTRY_TRANSFORM,
    ENTRY_OPERATOR,
    ENTRY_ACCESS_METHOD,
    ENTRY_OPERATOR_CLASS,
    ENTRY_OPERATOR_FAMILY,
    ENTRY_COLLATION,
    ENTRY_CONVERSION,
    ENTRY_TEXT_SEARCH_PARSER,
    ENTRY_TEXT_SEARCH_TEMPLATE,
    ENTRY_TEXT_SEARCH_DICTIONARY,
    ENTRY_TEXT_SEARCH_CONFIGURATION,
    ENTRY_FOREIGN_DATA_WRAPPER,
    ENTRY_SERVER,
    ENTRY_USER_MAPPING,
    ENTRY_TABLE,
    ENTRY_FOREIGN_TABLE,
    ENTRY_VIEW,
    ENTRY_MATERIALIZED_VIEW,
    ENTRY_SEQUENCE,
    ENTRY_SEQUENCE_OWNED_BY,
    ENTRY_TABLE_ATTACH,
    ENTRY_DEFAULT,
    ENTRY_TABLE_DATA,
    ENTRY_SEQUENCE_SET,
    ENTRY_BLOB,
    ENTRY_BLOB_METADATA,
    ENTRY_BLOBS,
    ENTRY_BLOB_COMMENTS,
    ENTRY_ACL,
    ENTRY_ACL_LANGUAGE,
    ENTRY_DEFAULT_ACL,
    ENTRY_COMMENT,
    ENTRY_SECURITY_LABEL,
    ENTRY_INDEX,
    ENTRY_INDEX_ATTACH,
    ENTRY_STATISTICS,
    ENTRY_CONSTRAINT,
    ENTRY_CHECK_CONSTRAINT,
    ENTRY_FK_CONSTRAINT,
    ENTRY_RULE,
    ENTRY_TRIGGER,
    ENTRY_ROW_SECURITY,
    ENTRY_POLICY,
    ENTRY_EVENT_TRIGGER,
    ENTRY_PUBLICATION,
    ENTRY_PUBLICATION_TABLE,
    ENTRY_PUBLICATION_TABLES_IN_SCHEMA,
    ENTRY_SUBSCRIPTION,
    ENTRY_SUBSCRIPTION_TABLE,
    ENTRY_MATERIALIZED_VIEW_DATA,
    ENTRY_STATISTICS_DATA,
    ENTRY_KIND_COUNT
};

enum entry_kind entry_kind_of(const char *desc);
/* "TABLE DATA"; "" of ENTRY_OTHER. */
const char *entry_kind_name(enum entry_kind kind);
/* A table, a view or their like: what has columns. No sequence. */
bool entry_kind_is_relation(enum entry_kind kind);

/* What there is to an entry without its texts. */
struct contents_node {
    int32_t dump_id;
    enum entry_kind kind;
    enum archive_section section;
    bool has_data;
    bool has_definition; /* it has one that is not "" */
    bool has_copy;       /* its data are COPY text: else INSERTs, or large objects */
    uint64_t data_bytes; /* as they lie in the archive; 0: not known (see archive_input.h) */
    /* Dump ids, as the archive has them: some may be of no entry, some come twice. */
    const int32_t *dependencies;
    size_t dependency_count;
};

struct archive_contents;

/* ---- Loading ---- */

enum archive_form {
    ARCHIVE_FORM_CUSTOM,
    ARCHIVE_FORM_FILES /* toc.dat of a directory or of pg_dump's tar */
};

struct archive_contents *archive_contents_new(enum archive_form form, struct error *err);
void archive_contents_free(struct archive_contents *contents);

/* Takes what belongs to it off the front of `in`; *complete once that was the last of it, and then
 * nothing more is taken. Two entries with one dump id, a file that is not called as its entry's is:
 * ERROR_CORRUPT with the entry's name. */
bool archive_contents_feed(struct archive_contents *contents, struct slice *in, bool *complete,
                           struct error *err);

/* The same from what another decoder finds: the header, then each entry. */
bool archive_contents_begin(struct archive_contents *contents, const struct archive_header *header,
                            struct error *err);
bool archive_contents_add(struct archive_contents *contents, const struct archive_entry *entry,
                          struct error *err);

/* ---- Asking ---- */

const struct archive_header *archive_contents_header(const struct archive_contents *contents);
uint32_t archive_contents_count(const struct archive_contents *contents);
/* Bytes of header and table of contents. */
uint64_t archive_contents_size(const struct archive_contents *contents);

struct contents_node archive_contents_node(const struct archive_contents *contents,
                                           uint32_t number);

/* False if no entry has that dump id. */
bool archive_contents_find(const struct archive_contents *contents, int64_t dump_id,
                           uint32_t *number);

/* All of the entry. Its texts are borrowed until the next call: for one thread, which asks. */
bool archive_contents_entry(struct archive_contents *contents, uint32_t number,
                            struct archive_entry *entry, struct error *err);

/* The same for any thread: the texts lie in `texts`, whose content it replaces. */
bool archive_contents_entry_into(struct archive_contents *contents, uint32_t number,
                                 struct buffer *texts, struct archive_entry *entry,
                                 struct error *err);

/* "TABLE DATA public.orders (entry 3154)", for messages: names as the archive has them, cut where
 * there is no room. Any thread. */
void archive_contents_name(struct archive_contents *contents, uint32_t number, char *out,
                           size_t size);

/* Puts that before a message. False. */
bool archive_contents_blame(struct archive_contents *contents, uint32_t number, struct error *err);

#endif
