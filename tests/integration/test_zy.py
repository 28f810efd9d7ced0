import time
from pgcask_testing import logical
def test_it(pgcask, servers, major, workdir):
    server = servers.create(major)
    n = 3000
    db = logical.make(server, "big", "CREATE TABLE r (n int PRIMARY KEY);" + "".join(f"CREATE TABLE t{i} (a int PRIMARY KEY, b int REFERENCES r, c text); CREATE FUNCTION f{i}(int) RETURNS int LANGUAGE sql AS 'SELECT 1';" for i in range(n)))
    a = logical.back_up(pgcask, server, db, workdir / "b")
    for w in (["--into-existing"], ["--clean"]):
        t = time.time()
        r = pgcask("restore", a, "--to", server.uri(db), "--dry-run", *w)
        print(w, time.time() - t, r.rc, r.peak_rss)
    assert 0
