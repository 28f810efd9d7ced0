"""Extensions as Debian packages them, with rows of what they bring: what is restored is the source,
by stock pg_restore and by us.

Each has a database of its own, and most lie in one together. Debian 12 has them for PostgreSQL 15,
but for one that came later.
"""

import pytest

from pgcask_testing import logical

MAJOR = 15
LATER = {"vector": 17}

# What each is for, in a database where its rows are: types in columns, domains and defaults, operator
# classes in indexes, its own tables with rows of the user's, functions of the user's that call it.
PACKAGES = {
    "address_standardizer": """
        CREATE EXTENSION address_standardizer;
        CREATE EXTENSION address_standardizer_data_us;
        CREATE TABLE place (id int PRIMARY KEY, parsed stdaddr);
        INSERT INTO place SELECT 1, standardize_address('us_lex', 'us_gaz', 'us_rules',
            '1 Devonshire Place PH301, Boston, MA 02109');
        INSERT INTO us_lex (id, seq, word, stdword, token, is_custom)
            VALUES (100001, 1, 'OURS', 'OURS', 1, true);
    """,
    "debversion": """
        CREATE EXTENSION debversion;
        CREATE TABLE package (name text, version debversion NOT NULL DEFAULT '1.0-1',
            PRIMARY KEY (name, version));
        INSERT INTO package VALUES ('a', '2:1.0~rc1-1'), ('a', '1.0'), ('b', DEFAULT);
        CREATE INDEX ON package USING hash (version);
    """,
    "first_last_agg": """
        CREATE EXTENSION first_last_agg;
        CREATE TABLE reading (at int, value text);
        INSERT INTO reading VALUES (1, 'a'), (2, 'b');
        CREATE VIEW ends AS SELECT first(value ORDER BY at), last(value ORDER BY at) FROM reading;
    """,
    "hll": """
        CREATE EXTENSION hll;
        CREATE TABLE visitors (day date PRIMARY KEY, seen hll DEFAULT hll_empty());
        INSERT INTO visitors SELECT d, hll_add_agg(hll_hash_integer(i))
            FROM generate_series(date '2024-01-01', date '2024-01-05', interval '1 day') d,
                 generate_series(1, 500) i GROUP BY d;
    """,
    "hypopg": """
        CREATE EXTENSION hypopg;
        CREATE TABLE looked_at (id int);
        SELECT hypopg_create_index('CREATE INDEX ON looked_at (id)');
    """,
    "ip4r": """
        CREATE EXTENSION ip4r;
        CREATE TABLE net (id serial, range ip4r, either iprange, host ip6,
            EXCLUDE USING gist (range WITH &&));
        INSERT INTO net (range, either, host) VALUES ('10.0.0.0/8', '::/0', 'fe80::1'),
            ('192.168.0.1-192.168.0.77', '1.2.3.4', NULL);
    """,
    "jsquery": """
        CREATE EXTENSION jsquery;
        CREATE TABLE document (body jsonb, asked jsquery);
        INSERT INTO document VALUES ('{"a": [1, 2]}', 'a.# = 1'), ('{}', 'b IS NUMERIC');
        CREATE INDEX ON document USING gin (body jsonb_path_value_ops);
        CREATE INDEX ON document USING gin (body jsonb_value_path_ops);
    """,
    "numeral": """
        CREATE EXTENSION numeral;
        CREATE TABLE number (german zahl, english numeral, roman roman);
        INSERT INTO number VALUES ('dreiundvierzig', 'forty-two', 'XLII');
    """,
    "orafce": """
        CREATE EXTENSION orafce;
        CREATE TABLE ledger (name oracle.varchar2(20), made oracle.date DEFAULT oracle.sysdate(),
            short oracle.nvarchar2(5));
        INSERT INTO ledger VALUES ('a', '2024-01-02 03:04:05', 'b');
        CREATE VIEW totals AS SELECT oracle.nvl(name::text, 'none'::text) AS name FROM ledger;
    """,
    "periods": """
        CREATE EXTENSION btree_gist;
        CREATE EXTENSION periods;
        CREATE TABLE employment (id int, employer text, since date, until date);
        SELECT periods.add_period('employment', 'validity', 'since', 'until');
        SELECT periods.add_unique_key('employment', ARRAY['id'], 'validity');
        INSERT INTO employment VALUES (1, 'a', '2020-01-01', '2021-01-01'),
            (1, 'b', '2021-01-01', '2022-01-01');
        CREATE TABLE contract (id int, text text);
        SELECT periods.add_system_time_period('contract');
        SELECT periods.add_system_versioning('contract');
        INSERT INTO contract VALUES (1, 'first');
        UPDATE contract SET text = 'second';
    """,
    "pg_cron": """
        CREATE EXTENSION pg_cron;
        SELECT cron.schedule('nightly', '0 3 * * *', 'VACUUM');
        INSERT INTO cron.job_run_details (jobid, runid, command, status)
            VALUES (1, 1, 'VACUUM', 'succeeded');
    """,
    "pg_partman": """
        CREATE SCHEMA partman;
        CREATE EXTENSION pg_partman SCHEMA partman;
        CREATE TABLE measure (at timestamptz NOT NULL, value int) PARTITION BY RANGE (at);
        CREATE INDEX ON measure (at);
        SELECT partman.create_parent('public.measure', 'at', 'native', 'monthly',
            p_start_partition := '2024-01-01');
        INSERT INTO measure SELECT d, 1
            FROM generate_series(timestamptz '2024-01-01', '2024-03-01', '1 day') d;
    """,
    "pg_rational": """
        CREATE EXTENSION pg_rational;
        CREATE TABLE sorted (what text, place rational UNIQUE DEFAULT '1/3');
        INSERT INTO sorted VALUES ('a', '1/2'), ('b', DEFAULT);
        CREATE INDEX ON sorted USING hash (place);
    """,
    "pg_similarity": """
        CREATE EXTENSION pg_similarity;
        CREATE TABLE word (w text, CHECK (lev(w, 'abc') >= 0));
        INSERT INTO word VALUES ('abd');
        CREATE VIEW near AS SELECT w FROM word WHERE w ~== 'abc';
    """,
    "pg_sphere": """
        CREATE EXTENSION pg_sphere;
        CREATE TABLE star (id int, at spoint, around scircle);
        INSERT INTO star SELECT i, spoint(i / 10.0, i / 20.0), scircle(spoint(0, 0), i / 30.0)
            FROM generate_series(0, 20) i;
        CREATE INDEX ON star USING gist (at);
    """,
    "pgaudit": """
        CREATE EXTENSION pgaudit;
        CREATE TABLE audited (id int);
        INSERT INTO audited VALUES (1);
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET pgaudit.log = ''write, ddl''',
            current_database()); END $$;
    """,
    "pgmp": """
        CREATE EXTENSION pgmp;
        CREATE TABLE big (z mpz PRIMARY KEY, q mpq);
        INSERT INTO big SELECT mpz '2' ^ (100 * i)::bigint, mpq(i, 7)
            FROM generate_series(1, 10) i;
    """,
    "pgtap": """
        CREATE EXTENSION pgtap;
        CREATE FUNCTION test_one() RETURNS SETOF text LANGUAGE sql AS 'SELECT ok(true)';
        CREATE TABLE of_tap (column_of int);
        CREATE VIEW names AS SELECT * FROM tap_funky LIMIT 0;
    """,
    "postgis": """
        CREATE EXTENSION postgis;
        CREATE EXTENSION postgis_raster;
        CREATE EXTENSION postgis_topology;
        CREATE EXTENSION postgis_sfcgal;
        CREATE TABLE town (id serial PRIMARY KEY, at geometry(Point, 4326) NOT NULL,
            area geography(MultiPolygon), map raster,
            CHECK (st_isvalid(at)));
        INSERT INTO town (at, area, map) SELECT st_setsrid(st_point(i, i / 2.0), 4326),
            st_multi(st_buffer(st_point(i, i)::geography, 100)::geometry)::geography,
            st_asraster(st_buffer(st_point(i, i), 2), 4, 4)
            FROM generate_series(1, 20) i;
        CREATE INDEX ON town USING gist (at);
        CREATE INDEX ON town USING spgist (at);
        CREATE INDEX ON town USING brin (area);
        INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)
            VALUES (990001, 'ours', 1, 'LOCAL_CS["ours"]', '+proj=longlat');
        SELECT topology.CreateTopology('roads', 4326);
        SELECT topology.AddTopoGeometryColumn('roads', 'public', 'town', 'way', 'POINT');
        UPDATE town SET way = topology.toTopoGeom(at, 'roads', 1) WHERE id < 5;
        CREATE VIEW near AS SELECT id FROM town WHERE st_dwithin(at, 'SRID=4326;POINT(0 0)', 3);
        CREATE MATERIALIZED VIEW hull AS SELECT st_convexhull(st_collect(at)) FROM town;
        CREATE FUNCTION distance(a geometry, b geometry) RETURNS float8 LANGUAGE sql
            RETURN st_distance(a, b);
    """,
    "postgis_tiger_geocoder": """
        CREATE EXTENSION fuzzystrmatch;
        CREATE EXTENSION postgis;
        CREATE EXTENSION postgis_tiger_geocoder;
        INSERT INTO tiger.loader_platform (os) VALUES ('ours');
    """,
    "prefix": """
        CREATE EXTENSION prefix;
        CREATE TABLE rate (prefix prefix_range PRIMARY KEY, cents int);
        INSERT INTO rate VALUES ('0033', 1), ('003[3-6]', 2);
        CREATE INDEX ON rate USING gist (prefix);
    """,
    "q3c": """
        CREATE EXTENSION q3c;
        CREATE TABLE sky (ra float8, dec float8);
        INSERT INTO sky SELECT i, i / 2.0 FROM generate_series(1, 50) i;
        CREATE INDEX ON sky (q3c_ang2ipix(ra, dec));
    """,
    "semver": """
        CREATE EXTENSION semver;
        CREATE TABLE release (v semver PRIMARY KEY, until semverrange);
        INSERT INTO release VALUES ('1.2.3-alpha+build', '[1.2.3,2.0.0)');
    """,
    "table_log": """
        CREATE EXTENSION table_log;
        CREATE TABLE watched (id int PRIMARY KEY, name text);
        SELECT table_log_init(5, 'watched');
        INSERT INTO watched VALUES (1, 'a');
        UPDATE watched SET name = 'b';
    """,
    "tdigest": """
        CREATE EXTENSION tdigest;
        CREATE TABLE latency (day int, digest tdigest);
        INSERT INTO latency SELECT 1, tdigest(i, 100) FROM generate_series(1, 1000) i;
    """,
    "unit": """
        CREATE EXTENSION unit;
        CREATE TABLE thing (mass unit, length unit UNIQUE);
        INSERT INTO thing VALUES ('3 kg', '5 m'), ('1 lb', '2 ft');
        INSERT INTO unit_units (name, unit) VALUES ('our_foot', '0.3 m');
    """,
    "vector": """
        CREATE EXTENSION vector;
        CREATE TABLE item (id int PRIMARY KEY, near vector(3), half halfvec(3), thin sparsevec(5),
            sum vector DEFAULT '[0]');
        INSERT INTO item SELECT i, ARRAY[i, i / 2.0, -i]::vector, ARRAY[i, 1, 2]::halfvec,
            '{1:1,3:2}/5' FROM generate_series(1, 100) i;
        CREATE INDEX ON item USING hnsw (near vector_l2_ops) WITH (m = 8);
        CREATE INDEX ON item USING ivfflat (near vector_cosine_ops) WITH (lists = 5);
        CREATE VIEW nearest AS SELECT id FROM item ORDER BY near <-> '[3,1,2]' LIMIT 5;
    """,
}

# What stock tools do not bring back whole themselves: positions of an extension's sequences, rows of
# its tables that it has not said are the user's, privileges that a trigger of its own minds.
NOT_WHOLE_BY_STOCK = {"periods", "postgis", "postgis_tiger_geocoder"}

# An extension's script may grant on a schema that was made before it and is none of its members;
# pg_init_privs then says that this is how it began, and stock pg_dump leaves it to the script.
FURTHER = {"postgis": ["ACL - SCHEMA topology postgres"]}

# Not those that want a server or every name for themselves, nor periods, which looks at all there is
# behind every statement.
TOGETHER = ["debversion", "first_last_agg", "hll", "ip4r", "jsquery", "numeral", "orafce",
            "pg_partman", "pg_rational", "pg_sphere", "pgmp", "postgis", "prefix", "q3c", "semver",
            "table_log", "tdigest", "unit"]


@pytest.fixture(scope="module")
def cluster(module_servers):
    """By the name of a package, a server that has it."""
    servers = {}

    def of(name):
        major = LATER.get(name, MAJOR)
        if major not in servers:
            servers[major] = module_servers.create(major, flavour="debian", conf={
                "shared_preload_libraries": "pg_cron, pgaudit", "cron.database_name": "pg_cron",
                "cron.launch_active_jobs": "off"} if major == MAJOR else None)
            logical.run_sql(servers[major], "postgres", logical.script("roles"))
        return servers[major]

    return of


@pytest.mark.parametrize("name", PACKAGES)
def test_a_restored_copy_is_equal(pgcask, cluster, workdir, name):
    cluster = cluster(name)
    db = logical.make(cluster, name, PACKAGES[name])
    if name == "pg_cron":  # which lives in the one database that the server names
        compare_without_restoring(pgcask, cluster, db, workdir)
    elif name in NOT_WHOLE_BY_STOCK:
        assert any(logical.no_farther_than_stock(pgcask, cluster, db, workdir,
                                                 further=FURTHER.get(name, ())))
    else:
        archive = logical.round_trip(pgcask, cluster, db, workdir)
        logical.comes_back(pgcask, cluster, db, archive, workdir)
    if name != "pg_cron":
        logical.drop(cluster, db)


def test_most_in_one_database(pgcask, cluster, workdir):
    cluster = cluster("postgis")
    db = logical.make(cluster, "together", "CREATE EXTENSION btree_gist;", *(
        PACKAGES[name].replace("CREATE EXTENSION btree_gist;", "") for name in TOGETHER))
    logical.no_farther_than_stock(pgcask, cluster, db, workdir, further=FURTHER["postgis"])


def compare_without_restoring(pgcask, server, db, workdir):
    archive = logical.back_up(pgcask, server, db, workdir / "backup")
    theirs = logical.stock_archive(server, db, workdir / "stock.dump")
    assert logical.contents(server, archive) == logical.contents(server, theirs)
    logical.run_sql(server, db, "DROP EXTENSION pg_cron")
    logical.restore(server, archive, db)
    assert server.value("SELECT count(*) FROM cron.job", db) == "1"
