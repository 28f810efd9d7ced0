/*
 * SQL, byte by byte, as the server's scanner and psql's take it apart: what is quoted, what is a
 * comment, and where a statement ends. A semicolon ends none inside parentheses (CREATE RULE … DO
 * (a; b)) or inside the body of a routine in SQL (BEGIN ATOMIC … END). Sources: PostgreSQL
 * documentation, "Lexical Structure"; src/backend/parser/scan.l and src/fe_utils/psqlscan.l.
 *
 * Nothing is held but the first words of a statement and the beginning of the token at hand.
 */
#ifndef PGCASK_ARCHIVE_SQL_LEXER_H
#define PGCASK_ARCHIVE_SQL_LEXER_H

#include "base/error.h"
#include "base/slice.h"

#define SQL_WORDS_MAX 8 /* COPY BINARY a.b.c FROM stdin, and one more */
#define SQL_WORD_MAX 40 /* of a word's beginning; no keyword or setting that counts is longer */
#define SQL_TAG_MAX 128 /* of $tag$, with both dollars */
#define SQL_COMMENT_MAX 512

enum sql_token_kind {
    SQL_TOKEN_NONE,
    SQL_TOKEN_WORD,   /* a keyword or a name without quotes, or a number */
    SQL_TOKEN_NAME,   /* "…" */
    SQL_TOKEN_STRING, /* '…' of any kind */
    SQL_TOKEN_DOLLAR, /* $$…$$ */
    SQL_TOKEN_OTHER   /* one byte of an operator, a comma, … */
};

/* A token that has ended. It lies between two positions, counted from the lexer's first byte. */
struct sql_token {
    enum sql_token_kind kind;
    uint64_t begin, end;
    const char *text; /* its beginning, without quotes; "" where that does not matter */
    bool whole;       /* that is all of it */
};

enum sql_state {
    SQL_PLAIN,
    SQL_WORD,
    SQL_NUMBER,
    SQL_U_AND,  /* U&, which may be followed by a quote */
    SQL_DASH,   /* perhaps the beginning of a comment */
    SQL_SLASH,  /* the same */
    SQL_QUOTE,  /* '…' in which a backslash is one */
    SQL_ESCAPE, /* E'…' */
    SQL_BITS,   /* B'…' and X'…', in which no quote is doubled */
    SQL_NAME,   /* "…" */
    SQL_CLOSED, /* one of these has ended, unless its quote is doubled */
    SQL_TAG,    /* $tag… */
    SQL_DOLLAR, /* $tag$ … $tag$ */
    SQL_LINE_COMMENT,
    SQL_COMMENT
};

/* Encodings of a client in which the second byte of a character may be a backslash. */
enum sql_double_bytes { SQL_BYTES_ALONE, SQL_DOUBLE_BYTES, SQL_DOUBLE_BYTES_OF_SJIS };

struct sql_lexer {
    /* Both are followed where a statement SETs them. */
    bool escape_strings; /* standard_conforming_strings is off */
    enum sql_double_bytes double_bytes;

    /* Told of each token; may be NULL. */
    void (*token)(void *context, const struct sql_token *token);
    void *context;

    uint64_t position; /* bytes taken so far */
    enum sql_state state;
    enum sql_state quote;     /* which one is closed */
    enum sql_state continues; /* a string that goes on with a quote in another line */
    bool another_line;
    bool after_lead;  /* the next byte is the second of its character */
    bool escaped;     /* the next byte counts as it is */
    uint8_t previous; /* inside a comment: the byte before, unless it was used up */
    unsigned comment_depth;
    char tag[SQL_TAG_MAX];
    size_t tag_len, tag_matched;
    uint64_t token_begin;
    char text[SQL_WORD_MAX];       /* of the token at hand: its beginning */
    size_t text_len;               /* all of it */
    char comment[SQL_COMMENT_MAX]; /* the last one from -- to the end of a line: its beginning */
    size_t comment_len;            /* all of it */

    /* The statement. */
    bool begun; /* there was a token, or the beginning of one */
    uint64_t statement_begin;
    unsigned parentheses, atomic;
    char words[SQL_WORDS_MAX][SQL_WORD_MAX]; /* outside of parentheses; upper case; "": too long */
    size_t word_count;
    char last[SQL_WORD_MAX]; /* the last token's text, upper case unless it was quoted */
    bool last_is_word, binary;
    bool after_dot;
};

enum sql_lexer_event {
    SQL_NOTHING,
    SQL_STATEMENT_ENDS,    /* with this byte: a semicolon */
    SQL_COMMAND_BEGINS,    /* with this byte: a backslash outside of anything quoted */
    SQL_LINE_COMMENT_ENDS, /* with this byte; lexer->comment is its text */
    SQL_TAG_IS_TOO_LONG    /* nothing more can be taken */
};

/* All zero is a lexer before its first byte. */
enum sql_lexer_event sql_lexer_take(struct sql_lexer *lexer, uint8_t byte);

/* Nothing follows: the token at hand ends. False where that is inside something quoted, or inside a
 * comment that has an end of its own. */
bool sql_lexer_end(struct sql_lexer *lexer);

/* What comes next is another statement. */
void sql_lexer_next_statement(struct sql_lexer *lexer);

/* Neither in a statement nor in something that may be the beginning of one. */
bool sql_lexer_is_between(const struct sql_lexer *lexer);

/* Whether the statement's word number n (from 0) is that one, in upper case. */
bool sql_lexer_word_is(const struct sql_lexer *lexer, size_t n, const char *word);

/* Of a statement that has ended: it is COPY … FROM stdin, and rows follow. */
bool sql_lexer_copies_in(const struct sql_lexer *lexer);

#endif
