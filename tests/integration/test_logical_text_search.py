"""Text search parsers, templates, dictionaries and configurations in logical backups, beside what
stock tools make of them."""

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import cluster, make  # noqa: F401

# A user's parser needs no library of its own: any functions of the right shape will do.
SEARCH = r"""
    CREATE SCHEMA "Text search";
    CREATE FUNCTION "Text search"."My lexize"(internal, internal, internal, internal)
        RETURNS internal LANGUAGE internal STRICT AS 'dsimple_lexize';
    CREATE FUNCTION headline(internal, internal, tsquery) RETURNS internal
        LANGUAGE internal STRICT AS 'prsd_headline';
    CREATE TEXT SEARCH PARSER plain (START = prsd_start, GETTOKEN = prsd_nexttoken,
        END = prsd_end, LEXTYPES = prsd_lextype);
    CREATE TEXT SEARCH PARSER "Text search"."It's ""a"" parser" (START = prsd_start,
        GETTOKEN = prsd_nexttoken, END = prsd_end, HEADLINE = public.headline,
        LEXTYPES = prsd_lextype);
    CREATE TEXT SEARCH TEMPLATE "Text search"."select" (LEXIZE = "Text search"."My lexize");
    CREATE TEXT SEARCH TEMPLATE whole (INIT = dsimple_init, LEXIZE = dsimple_lexize);
    CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple, "stopwords" = 'english', Accept = false);
    CREATE TEXT SEARCH DICTIONARY "Text search"."Ger man" (TEMPLATE = snowball,
        Language = 'german', StopWords = 'german');
    CREATE TEXT SEARCH DICTIONARY "Text search"."of ours" (TEMPLATE = whole);
    CREATE TEXT SEARCH DICTIONARY never_asked (TEMPLATE = "Text search"."select");
    CREATE TEXT SEARCH CONFIGURATION bare (PARSER = "default");
    CREATE TEXT SEARCH CONFIGURATION copied (COPY = english);
    ALTER TEXT SEARCH CONFIGURATION copied ALTER MAPPING FOR word, "int", "float"
        WITH "Text search"."Ger man", words, simple;
    ALTER TEXT SEARCH CONFIGURATION copied DROP MAPPING FOR url_path;
    CREATE TEXT SEARCH CONFIGURATION "Text search"."order"
        (PARSER = "Text search"."It's ""a"" parser");
    ALTER TEXT SEARCH CONFIGURATION "Text search"."order" ADD MAPPING FOR asciiword, email
        WITH "Text search"."of ours", pg_catalog.english_stem;
    ALTER TEXT SEARCH DICTIONARY words OWNER TO alice;
    ALTER TEXT SEARCH CONFIGURATION copied OWNER TO bob;
    COMMENT ON TEXT SEARCH PARSER plain IS 'it''s \ plain';
    COMMENT ON TEXT SEARCH TEMPLATE "Text search"."select" IS 'a template';
    COMMENT ON TEXT SEARCH DICTIONARY "Text search"."Ger man" IS 'two words';
    COMMENT ON TEXT SEARCH CONFIGURATION copied IS E'two\nlines';
"""
# What needs one has to come behind it.
USERS = """
    CREATE TABLE pages (body text, t tsvector GENERATED ALWAYS AS
                            (to_tsvector('public.copied'::regconfig, body)) STORED,
                        by_regconfig regconfig DEFAULT '"Text search"."order"');
    INSERT INTO pages (body) VALUES ('The quick 17 foxes'), ('http://a.b/c 1.5');
    CREATE INDEX ON pages USING gin (to_tsvector('"Text search"."order"'::regconfig, body));
    CREATE VIEW found AS SELECT ts_lexize('public.words'::regdictionary, 'Foxes') AS w;
"""


def statements(cluster, archive, path):
    text = logical.as_sql(cluster, archive, path).read_text()
    return sorted(part for part in text.split("\n\n")
                  if "TEXT SEARCH" in part and "\n-- Name: " not in part)


def test_text_search_comes_back_with_all_that_needs_it(pgcask, cluster, workdir):
    logical.round_trip(pgcask, cluster, make(cluster, "round", SEARCH, USERS), workdir)


def test_entries_and_statements_are_those_of_pg_dump(pgcask, cluster, workdir):
    db = make(cluster, "beside", SEARCH, USERS)
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "stock.dump")
    listed = logical.contents(cluster, ours)
    assert listed == logical.contents(cluster, theirs)
    assert listed['TEXT SEARCH PARSER Text search It\'s "a" parser '] == 1, listed
    assert listed["TEXT SEARCH CONFIGURATION public copied bob"] == 1
    assert listed["COMMENT Text search TEXT SEARCH TEMPLATE \"select\" "] == 1
    made = statements(cluster, ours, workdir / "ours.sql")
    assert made == statements(cluster, theirs, workdir / "theirs.sql")
    assert ('ALTER TEXT SEARCH CONFIGURATION public.copied\n    ADD MAPPING FOR "int" WITH '
            '"Text search"."Ger man", public.words, simple;') in made


@pytest.mark.majors(13, 18)
def test_it_can_be_restored_over_itself(pgcask, cluster, workdir):
    db = make(cluster, "over", SEARCH, USERS)
    archive = logical.back_up(pgcask, cluster, db, workdir / "backup")
    schema = logical.dump_schema(cluster, db)
    logical.restore(cluster, archive, db, "--clean", "--if-exists", "--single-transaction")
    assert logical.dump_schema(cluster, db) == schema


@pytest.mark.majors(13, 18)
def test_members_of_an_extension_are_made_by_that(pgcask, cluster, workdir):
    db = make(cluster, "members", SEARCH, """
        CREATE EXTENSION hstore;
        ALTER EXTENSION hstore ADD TEXT SEARCH PARSER plain;
        ALTER EXTENSION hstore ADD TEXT SEARCH TEMPLATE whole;
        ALTER EXTENSION hstore ADD TEXT SEARCH DICTIONARY words;
        ALTER EXTENSION hstore ADD TEXT SEARCH CONFIGURATION copied;""")
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    listed = logical.contents(cluster, ours)
    assert listed == logical.contents(cluster, logical.stock_archive(cluster, db, workdir / "s"))
    assert not any(name in entry for name in ("plain", "whole", "words", "copied")
                   for entry in listed)


@pytest.mark.majors(13, 18)
def test_an_extensions_parser_and_dictionaries_are_used_by_ones_own(pgcask, cluster, workdir):
    db = make(cluster, "uses", """
        CREATE EXTENSION dict_int; CREATE EXTENSION unaccent; CREATE EXTENSION dict_xsyn;
        CREATE TEXT SEARCH DICTIONARY short (TEMPLATE = intdict_template, MaxLen = 3,
                                             RejectLong = true);
        CREATE TEXT SEARCH CONFIGURATION c (COPY = simple);
        ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR uint WITH short, intdict;
        ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR word WITH unaccent, simple;
        ALTER TEXT SEARCH DICTIONARY intdict (MaxLen = 4);
        GRANT EXECUTE ON FUNCTION dintdict_init(internal) TO bob;""")
    logical.round_trip(pgcask, cluster, db, workdir)


@pytest.mark.majors(13, 18)
def test_options_come_back_as_they_were(pgcask, cluster, workdir):
    """The server keeps them as one text, with quotes of its own; templates of superusers take any."""
    db = make(cluster, "options", r"""
        CREATE FUNCTION init(internal) RETURNS internal LANGUAGE internal AS 'pg_backend_pid';
        CREATE TEXT SEARCH TEMPLATE any_option (INIT = init, LEXIZE = dsimple_lexize);
        CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = any_option, "Odd name" = E'it''s \\ a "b"',
            n = 7, minus = -1.5, e = '', word = abc, "select" = true, lines = E'a\nb', u = 'é☃');""")
    logical.round_trip(pgcask, cluster, db, workdir)


POINTING = {
    "pg_ts_parser SET prsstart": "TEXT SEARCH PARSER public.plain has the start function with OID",
    "pg_ts_template SET tmpllexize": "TEXT SEARCH TEMPLATE public.whole has the function for lexemes",
    "pg_ts_dict SET dicttemplate": "TEXT SEARCH DICTIONARY public.words has the template with OID",
    "pg_ts_dict SET dictowner": "TEXT SEARCH DICTIONARY public.words has the owner with OID",
    "pg_ts_dict SET dictnamespace": "TEXT SEARCH DICTIONARY words has the schema with OID",
    "pg_ts_config SET cfgparser": "TEXT SEARCH CONFIGURATION public.copied has the parser with OID",
    "pg_ts_config SET cfgowner": "TEXT SEARCH CONFIGURATION public.copied has the owner with OID",
    "pg_ts_config_map SET mapdict":
        "TEXT SEARCH CONFIGURATION public.copied has the dictionary with OID",
}


@pytest.mark.majors(13, 18)
def test_what_points_to_nothing_is_an_error(pgcask, cluster, workdir):
    make(cluster, "whole", """
        CREATE TEXT SEARCH PARSER plain (START = prsd_start, GETTOKEN = prsd_nexttoken,
            END = prsd_end, LEXTYPES = prsd_lextype);
        CREATE TEXT SEARCH TEMPLATE whole (INIT = dsimple_init, LEXIZE = dsimple_lexize);
        CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = whole);
        CREATE TEXT SEARCH CONFIGURATION copied (COPY = simple);""")
    for change, text in POINTING.items():
        catalog = change.split()[0]
        key = "mapcfg" if catalog.endswith("map") else "oid"
        db = make(cluster, "gone", options="TEMPLATE whole")
        logical.run_sql(cluster, db, f"UPDATE {change} = 99999 WHERE {key} >= 16384")
        result = pgcask("backup", cluster.uri(db), "--to", workdir / "no", "--quiet")
        assert result.rc == 1 and text in result.stderr, (change, result)
        assert not (workdir / "no").exists()
        if "owner" in change:
            assert "OWNER TO …" in result.stderr, result


@pytest.mark.majors(13, 18)
def test_a_mapping_of_a_type_that_the_parser_lost_is_left_out(pgcask, cluster, workdir):
    """It cannot be named, and stock pg_dump writes a statement that fails."""
    db = make(cluster, "lost", "CREATE TEXT SEARCH CONFIGURATION c (COPY = simple);")
    logical.run_sql(cluster, db, """UPDATE pg_ts_config_map SET maptokentype = 99
        WHERE maptokentype = 22 AND mapcfg = 'c'::regconfig""")
    result = pgcask("backup", cluster.uri(db), "--to", workdir / "b").check()
    assert ("text search configuration public.c has a mapping for token type 99, which its parser "
            "does not have: it is left out") in result.stderr, result
    logical.create_like(cluster, db, "copy")
    logical.restore(cluster, workdir / "b" / f"{db}.dump", "copy")
    assert cluster.value("SELECT count(*) FROM pg_ts_config_map WHERE mapcfg = 'c'::regconfig",
                         "copy") == "18"
