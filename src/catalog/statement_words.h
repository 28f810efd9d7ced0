/*
 * What of another session's statement may be shown. The rest of it may hold passwords and people's
 * data, and a comment or a mistyped line anything at all, so that only words are shown which this
 * file knows.
 */
#ifndef PGCASK_CATALOG_STATEMENT_WORDS_H
#define PGCASK_CATALOG_STATEMENT_WORDS_H

#define STATEMENT_WORDS_SIZE 32

/* "ALTER TABLE": the first one or two words of a statement, in capitals; "" if the first is none
 * that a statement begins with. Comments and blanks before and between them are read past. */
void statement_words(const char *statement, char out[STATEMENT_WORDS_SIZE]);

#endif
