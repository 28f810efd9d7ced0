"""Schemas whose objects depend on each other in random ways, the same for the same seed."""

import random


class RandomSchema:
    """SQL of one schema. Each step uses what the steps before have made; some lead back to what
    they use: defaults and checks that call functions of the table's row, views that are replaced
    by ones over their own users."""

    def __init__(self, seed, major, name):
        self.random = random.Random(seed)
        self.major = major
        self.name = name
        self.sql = [f"CREATE SCHEMA {name};"]
        self.number = 0
        self.tables, self.views, self.matviews = [], [], []
        self.types, self.domains, self.functions = [], [], []  # names; functions take a row type
        self.keyed = []  # tables with a primary key (id)
        self.late = []  # what waits for one: views, functions
        self.late_domains = []
        steps = [self.table, self.table, self.view, self.grouped_view, self.matview, self.type,
                 self.domain, self.function, self.function, self.check, self.default, self.circle,
                 self.foreign_key, self.index, self.policy, self.rule, self.trigger, self.child,
                 self.partitioned, self.row_function, self.aggregate, self.view_on_function]
        if major >= 14:
            steps += [self.body_function, self.body_function]
        self.table()
        for _ in range(self.random.randint(20, 45)):
            self.random.choice(steps)()

    def text(self):
        return "\n".join(self.sql)

    def new(self, kind):
        self.number += 1
        # Names in random order: sorting by name must not be what makes it work.
        return f"{self.name}.{self.random.choice('abcxyz')}_{kind}_{self.number}"

    def add(self, *sql):
        self.sql += sql

    def waits(self, sql):
        """Whether what this makes has to wait for a primary key."""
        return "GROUP BY id" in sql or any(name in sql for name in self.late)

    def make(self, name, sql):
        self.add(sql)
        if self.waits(sql):
            self.late.append(name)

    def relation(self):
        return self.random.choice(self.tables + self.views + self.matviews)

    def column_type(self):
        return self.random.choice(
            ["int", "text", "numeric(8,2)", "int[]"] + self.types + self.domains
            + [t + "[]" for t in self.types] + self.random.sample(self.tables, 1)
            if self.tables else ["int", "text"])

    def call(self):
        """An expression of type int that may use anything."""
        if not self.functions or self.random.random() < 0.2:
            return "1"
        function, of = self.random.choice(self.functions)
        return f"{function}(NULL::{of})"

    def table(self):
        name = self.new("table")
        key = " PRIMARY KEY" if self.random.random() < 0.7 else ""
        kind = self.random.choice(["int", "serial", "int GENERATED ALWAYS AS IDENTITY"])
        column = f", c {self.column_type()}" if self.random.random() < 0.6 else ""
        generated = (", g int GENERATED ALWAYS AS (v * 2) STORED"
                     if self.random.random() < 0.2 else "")
        self.add(f"CREATE TABLE {name} (id {kind}{key}, v int DEFAULT {self.call()}, "
                 f"t text{column}{generated});",
                 f"INSERT INTO {name} (id, v, t) OVERRIDING SYSTEM VALUE "
                 f"SELECT g, g, 'x' || g FROM generate_series(1, 5) g;")
        self.tables.append(name)
        if key:
            self.keyed.append(name)

    def child(self):
        parent = self.random.choice(self.tables)
        name = self.new("child")
        self.add(f"CREATE TABLE {name} (more int DEFAULT {self.call()}) INHERITS ({parent});")
        if self.random.random() < 0.5:
            self.add(f"ALTER TABLE {name} ALTER v SET DEFAULT 77;")
        self.tables.append(name)

    def partitioned(self):
        name = self.new("tree")
        self.add(f"CREATE TABLE {name} (id int, v int DEFAULT {self.call()}, t text, "
                 f"PRIMARY KEY (id)) PARTITION BY HASH (id);")
        for i in range(2):
            self.add(f"CREATE TABLE {name}_{i} PARTITION OF {name} "
                     f"FOR VALUES WITH (MODULUS 2, REMAINDER {i});")
        self.add(f"INSERT INTO {name} SELECT g, g, 't' FROM generate_series(1, 9) g;")
        self.tables.append(name)
        self.keyed.append(name)

    def view(self):
        one, other = self.relation(), self.relation()
        name = self.new("view")
        options = self.random.choice(["", " WITH (security_barrier)"])
        self.make(name, f"CREATE VIEW {name}{options} AS "
                        f"SELECT a.id, b.v, a.t || {self.call()}::text AS t "
                        f"FROM {one} a JOIN {other} b ON a.id = b.id;")
        self.views.append(name)

    def grouped_view(self):
        if not self.keyed:
            return
        # The key of the group makes the other columns depend on the constraint.
        name = self.new("grouped")
        kind = self.random.choice(["VIEW", "VIEW", "MATERIALIZED VIEW"])
        table = self.random.choice(self.keyed)
        self.make(name, f"CREATE {kind} {name} AS SELECT id, v, t FROM {table} GROUP BY id;")
        (self.views if kind == "VIEW" else self.matviews).append(name)

    def matview(self):
        name = self.new("mat")
        data = self.random.choice(["", "", " WITH NO DATA"])
        source = self.random.choice(self.tables + self.views)
        self.make(name,
                  f"CREATE MATERIALIZED VIEW {name} AS SELECT id, v, t FROM {source}{data};")
        if not data:
            self.matviews.append(name)

    def circle(self):
        """Two views that are each other's source, and perhaps a third between."""
        first, second = self.new("ring"), self.new("ring")
        self.add(f"CREATE VIEW {first} AS SELECT 1 AS id, 2 AS v, 'x'::text AS t;",
                 f"CREATE VIEW {second} AS SELECT id, v, t FROM {first};")
        last = second
        if self.random.random() < 0.5:
            last = self.new("ring")
            self.add(f"CREATE VIEW {last} AS "
                     f"SELECT id, v, t FROM {second} WHERE v > {self.call()};")
        self.add(f"CREATE OR REPLACE VIEW {first} AS SELECT id, v, t FROM {last};")

    def type(self):
        name = self.new("type")
        if self.random.random() < 0.3:
            self.add(f"CREATE TYPE {name} AS ENUM ('a', 'b''c');")
        else:
            self.add(f"CREATE TYPE {name} AS (a {self.column_type()}, b int);")
        self.types.append(name)

    def domain(self):
        name = self.new("domain")
        base = self.random.choice(["int", "text"] + self.types)
        sql = f"CREATE DOMAIN {name} AS {base} CHECK ({self.call()} IS NULL OR true);"
        self.add(sql)
        # The server adds no check to a domain that a composite type in use has a column of.
        (self.late_domains if self.waits(sql) else self.domains).append(name)

    def function(self):
        """Takes any row or other type that there is."""
        of = self.random.choice(self.tables + self.views + self.types + self.domains
                                + self.late_domains)
        name = self.new("function")
        self.make(name,
                  f"CREATE FUNCTION {name}({of}) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';")
        self.functions.append((name, of))

    def body_function(self):
        """One whose body the server knows."""
        name = self.new("body")
        of = self.random.choice(self.tables + self.types)
        source = self.random.choice(self.tables + self.views)
        clause = "GROUP BY id" if source in self.keyed else ""
        column = "v" if source in self.keyed else "1"
        self.make(name, f"CREATE FUNCTION {name}({of}) RETURNS int LANGUAGE sql BEGIN ATOMIC "
                        f"SELECT {column} FROM {source} {clause} ORDER BY 1 LIMIT 1; END;")
        self.functions.append((name, of))

    def row_function(self):
        of = self.random.choice(self.tables + self.views)
        name = self.new("rows")
        self.add(f"CREATE FUNCTION {name}() RETURNS SETOF {of} LANGUAGE sql AS "
                 f"'SELECT * FROM {of} LIMIT 0';")

    def view_on_function(self):
        name = self.new("of_function")
        self.make(name, f"CREATE VIEW {name} AS SELECT {self.call()} AS id, {self.call()} AS v, "
                        f"'t'::text AS t;")
        self.views.append(name)

    def aggregate(self):
        of = self.random.choice(self.tables + self.views)
        name = self.new("state")
        self.add(f"CREATE FUNCTION {name}(int, {of}) RETURNS int LANGUAGE sql AS 'SELECT $1';",
                 f"CREATE AGGREGATE {name}_agg({of}) "
                 f"(SFUNC = {name}, STYPE = int, INITCOND = '0');")

    def check(self):
        table = self.random.choice(self.tables)
        function = self.new("check")
        self.add(f"CREATE FUNCTION {function}({table}) RETURNS boolean LANGUAGE sql IMMUTABLE "
                 f"AS 'SELECT true';",
                 f"ALTER TABLE {table} ADD CHECK ({function}({table}.*) "
                 f"OR {self.call()} IS NULL OR true);")

    def default(self):
        table = self.random.choice(self.tables)
        self.add(f"ALTER TABLE {table} ALTER v SET DEFAULT {self.call()};")

    def foreign_key(self):
        if not self.keyed:
            return
        plain = [t for t in self.tables if "_tree_" not in t]
        self.add(f"ALTER TABLE {self.random.choice(plain)} ADD FOREIGN KEY (v) "
                 f"REFERENCES {self.random.choice(self.keyed)} "
                 f"{self.random.choice(['', 'DEFERRABLE INITIALLY DEFERRED'])} NOT VALID;")

    def index(self):
        if not self.functions:
            return
        table = self.random.choice(self.tables)
        mine = [f for f, of in self.functions if of == table and "_body_" not in f]
        expression = f"{self.random.choice(mine)}({table.split('.')[1]}.*)" if mine else "t || 'x'"
        self.add(f"CREATE INDEX ON {table} (({expression}));")

    def policy(self):
        table = self.random.choice(self.tables)
        self.number += 1
        self.add(f"CREATE POLICY p{self.number} ON {table} "
                 f"USING (EXISTS (SELECT FROM {self.relation()} r WHERE r.v = {self.call()}));")

    def rule(self):
        table, other = self.random.choice(self.tables), self.random.choice(self.tables)
        self.number += 1
        self.add(f"CREATE RULE r{self.number} AS ON DELETE TO {table} DO ALSO "
                 f"UPDATE {other} SET v = {self.call()};")

    def trigger(self):
        table = self.random.choice([t for t in self.tables if "_tree_" not in t])
        function = self.new("trigger")
        self.add(f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
                 f"'BEGIN RETURN NEW; END';",
                 f"CREATE TRIGGER {function.split('.')[1]} BEFORE UPDATE ON {table} FOR EACH ROW "
                 f"WHEN (old.v IS DISTINCT FROM {self.call()}) EXECUTE FUNCTION {function}();")
