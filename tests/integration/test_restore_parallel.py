"""Over several sessions a restore makes what it makes over one, and what stock pg_restore makes: in
whatever order the server is done with it, and whatever happens on the way."""

import os
import signal
import time

import pytest

from pgcask_testing import logical, paths, process, restored
from pgcask_testing.logical import cluster, make, script  # noqa: F401: a fixture
from pgcask_testing.restored import restorer  # noqa: F401: a fixture


@pytest.fixture(scope="module", autouse=True)
def extension(major):
    logical.install_extension(major)


# Partitions of partitions, keys from and to them, triggers that reach down, a chain of keys.
FAMILIES = """
    CREATE TABLE kinds_of (k int PRIMARY KEY); INSERT INTO kinds_of SELECT generate_series(0, 9);
    CREATE TABLE p (n int, k int REFERENCES kinds_of, t text, PRIMARY KEY (n)) PARTITION BY RANGE (n);
    CREATE TABLE other (n int PRIMARY KEY REFERENCES p, k int) PARTITION BY HASH (n);
    CREATE INDEX ON p (t); CREATE INDEX ON p (k, n); CREATE UNIQUE INDEX ON other (n, k);
    DO $$ BEGIN
        FOR i IN 0..19 LOOP
            EXECUTE format('CREATE TABLE p%s PARTITION OF p FOR VALUES FROM (%s) TO (%s)%s',
                           i, i * 500, i * 500 + 500,
                           CASE WHEN i < 3 THEN ' PARTITION BY RANGE (n)' ELSE '' END);
            IF i < 3 THEN
                EXECUTE format('CREATE TABLE p%s_all PARTITION OF p%s DEFAULT', i, i);
            ELSE
                EXECUTE format('CREATE INDEX ON p%s (k, t)', i);
                EXECUTE format('ALTER TABLE p%s CLUSTER ON p%s_pkey', i, i);
                EXECUTE format('ALTER TABLE p%s REPLICA IDENTITY USING INDEX p%s_pkey', i, i);
            END IF;
        END LOOP;
        FOR i IN 0..3 LOOP
            EXECUTE format('CREATE TABLE other%s PARTITION OF other FOR VALUES WITH '
                           '(MODULUS 4, REMAINDER %s)', i, i);
        END LOOP;
    END $$;
    INSERT INTO p SELECT n, n % 10, md5(n::text) FROM generate_series(0, 9999) n;
    INSERT INTO other SELECT n, n % 10 FROM generate_series(0, 9999, 3) n;
    CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN NEW.t := 'marked'; RETURN NEW; END $$;
    CREATE TRIGGER marking BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION mark();
    ALTER TABLE p7 DISABLE TRIGGER marking;
    CREATE TABLE c0 (n int PRIMARY KEY, m int UNIQUE);
    INSERT INTO c0 SELECT n, n FROM generate_series(1, 300) n;
    DO $$ BEGIN
        FOR i IN 1..30 LOOP
            EXECUTE format('CREATE TABLE c%s (n int PRIMARY KEY REFERENCES c%s, m int UNIQUE REFERENCES c%s (m),'
                           ' EXCLUDE (m WITH =))', i, i - 1, i / 2);
            EXECUTE format('INSERT INTO c%s SELECT n, n FROM generate_series(1, 300) n', i);
            EXECUTE format('CREATE INDEX ON c%s (n, m); CREATE STATISTICS s%s ON n, m FROM c%s', i, i, i);
            EXECUTE format('COMMENT ON CONSTRAINT c%s_pkey ON c%s IS ''a comment''', i, i);
        END LOOP;
    END $$;
    ALTER TABLE c0 ADD FOREIGN KEY (m) REFERENCES c30 (n);
    CREATE TABLE parent (n int CHECK (n >= 0), t text); CREATE TABLE child () INHERITS (parent);
    INSERT INTO parent SELECT n, 'p' FROM generate_series(1, 50) n;
    INSERT INTO child SELECT n, E'c\\\\\\n\\t' || repeat('x', n) FROM generate_series(1, 3000) n;
    ALTER TABLE parent ADD CHECK (t <> 'none') NOT VALID;
    CREATE MATERIALIZED VIEW m AS SELECT k, count(*) AS c FROM p GROUP BY k; CREATE UNIQUE INDEX ON m (k);
    CREATE RULE nothing AS ON DELETE TO c3 DO INSTEAD NOTHING;
    ALTER TABLE c4 ENABLE ROW LEVEL SECURITY; CREATE POLICY all_of_it ON c4 USING (n > 0);
    SELECT lo_from_bytea(0, decode(repeat(md5(n::text), n % 300), 'hex')) FROM generate_series(1, 900) n;
    SELECT lo_from_bytea(0, decode(repeat('ab', 3000000), 'hex'));
    CREATE TABLE large (n int, t text);
    INSERT INTO large SELECT n, repeat(E'\\\\', n % 5) || md5(n::text) FROM generate_series(1, 40000) n;
"""


@pytest.mark.parametrize("jobs", [2, 4])
def test_partitions_keys_and_chains_are_equal(pgcask, restorer, cluster, workdir, jobs):
    db = make(cluster, "families", FAMILIES)
    ours = logical.back_up(pgcask, cluster, db, workdir / "backup")
    theirs = logical.stock_archive(cluster, db, workdir / "theirs.dump")
    directory = workdir / "directory"
    process.run([logical.stock("pg_dump", cluster), "-Fd", "-f", directory],
                env=logical._environment(cluster, db), timeout=600).check()
    for archive in (ours, theirs, directory):
        copy = "families copy"
        logical.create_like(cluster, db, copy)
        outcome = restorer(cluster, copy, archive, f"jobs={jobs}")
        assert outcome.result.ok and not outcome.failures, str(outcome.result)
        for one, other in zip(restored.facts(cluster, db), restored.facts(cluster, copy)):
            different = logical._difference(one, other)
            assert not different, "\n".join(different)
        logical.drop(cluster, copy)


@pytest.mark.parametrize("name", ["kinds", "more_kinds", "data", "trees", "loops"])
def test_several_sessions_make_what_stock_makes(pgcask, restorer, cluster, workdir, name):
    db = make(cluster, name, script(name))
    theirs = logical.stock_archive(cluster, db, workdir / "theirs.dump")
    restored.assert_alike(restorer, cluster, db, theirs, "jobs=4")
    logical.drop(cluster, db)
