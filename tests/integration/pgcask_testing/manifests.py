"""manifest.json: running the program that writes it, and what each of its fields must be.

Test files import the fixtures `probe_path` and `probe` from here.
"""

import collections
import json
import re

import pytest

from . import paths, process

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")


def is_time(value):
    return isinstance(value, str) and TIME.match(value)


def is_time_or_null(value):
    return value is None or is_time(value)


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value):
    return isinstance(value, str)


def is_bool(value):
    return isinstance(value, bool)


def is_texts(value):
    return isinstance(value, list) and value and all(map(is_text, value))


def one_of(*values):
    return lambda value: value in values


def list_of(schema):
    def check(value):
        assert isinstance(value, list) and value
        for item in value:
            check_object(item, schema)
        return True

    return check


def object_of(schema):
    def check(value):
        check_object(value, schema)
        return True

    return check


class Optional(collections.namedtuple("Optional", "check")):
    pass


COLUMN = {
    "position": is_int, "name": is_text, "type": is_text, "nullable": is_bool,
    "default": Optional(is_text),
}
CONSTRAINT = {
    "name": is_text, "type": one_of(*"pufcx"), "columns": Optional(is_texts),
}
INDEX = {
    "name": is_text, "method": is_text, "definition": is_text, "is_unique": is_bool,
    "is_primary": is_bool, "is_valid": is_bool, "is_partial": is_bool,
    "constraint_name": Optional(is_text),
}
RELATION = {
    "schema": is_text, "name": is_text, "owner": is_text, "persistence": one_of(*"put"),
    "kind": one_of(*"rpfvmS"), "tablespace": Optional(is_text), "row_estimate": is_int,
    "live_row_estimate": is_int, "column_count": is_int, "has_primary_key": is_bool,
    "has_triggers": is_bool, "rls_enabled": is_bool, "rls_forced": is_bool,
    "is_partition": is_bool, "partition_parent": Optional(is_text),
    "partition_strategy": Optional(one_of("range", "list", "hash")),
    "storage_options": Optional(is_texts), "last_vacuum": is_time_or_null,
    "last_analyze": is_time_or_null, "columns": Optional(list_of(COLUMN)),
    "constraints": Optional(list_of(CONSTRAINT)), "indexes": Optional(list_of(INDEX)),
    "escaped": Optional(is_bool),
}
DATABASE = {
    "name": is_text, "owner": is_text, "encoding": is_text, "collate": is_text,
    "ctype": is_text, "allow_conn": is_bool, "is_template": is_bool,
    "default_tablespace": Optional(is_text), "connection_limit": is_int,
    "oid": is_int, "locale_provider": Optional(is_text), "locale": Optional(is_text),
    "escaped": Optional(is_bool),
    "backed_up": Optional(is_bool), "same_snapshot": Optional(is_bool),
    "extensions": Optional(list_of({"name": is_text, "version": is_text, "schema": is_text})),
    "schemas": Optional(list_of({
        "name": is_text, "owner": is_text, "escaped": Optional(is_bool)})),
    "relations": Optional(list_of(RELATION)),
}
ROLE = {
    "name": is_text, "superuser": is_bool, "replication": is_bool, "can_login": is_bool,
    "create_db": is_bool, "create_role": is_bool, "inherit": is_bool, "bypass_rls": is_bool,
    "connection_limit": is_int, "valid_until": is_time_or_null, "member_of": Optional(is_texts),
    "escaped": Optional(is_bool),
}
TABLESPACE = {
    "name": is_text, "owner": is_text, "location": is_text, "options": Optional(is_texts),
    "oid": is_int, "escaped": Optional(is_bool),
}
CONFIG = {
    "data_directory": Optional(is_text), "timezone": Optional(is_text),
    "wal_level": Optional(is_text), "server_encoding": Optional(is_text),
    "shared_preload_libraries": Optional(is_text), "lc_collate": Optional(is_text),
    "lc_ctype": Optional(is_text), "archive_mode": Optional(is_text),
    "max_connections": Optional(is_int), "block_size": Optional(is_int),
    "wal_block_size": Optional(is_int), "data_checksums": is_bool,
    "archive_command_set": is_bool,
}
MANIFEST = {
    "version": one_of(2), "created_at": is_time,
    "connector": one_of("postgresql", "postgresql+bin"), "host": is_text, "port": is_text,
    "server_version": is_text, "server_version_num": is_int, "producer": is_text,
    "cluster_system_identifier": Optional(is_text), "in_recovery": is_bool,
    "wal_position": Optional(is_text), "timeline": Optional(is_int),
    "database": Optional(is_text), "dump_format": is_text,
    "options": Optional(object_of({
        "schema_only": is_bool, "data_only": is_bool, "compress": is_bool})),
    "cluster_config": Optional(object_of(CONFIG)), "roles": Optional(list_of(ROLE)),
    "tablespaces": Optional(list_of(TABLESPACE)), "databases": Optional(list_of(DATABASE)),
    "unavailable": lambda value: isinstance(value, list),
}


def check_object(value, schema):
    """Exactly the schema's fields, in its order."""
    assert isinstance(value, dict)
    assert list(value) == [key for key in schema if key in value], "order, or unknown fields"
    for key, check in schema.items():
        if isinstance(check, Optional):
            if key not in value:
                continue
            check = check.check
        assert key in value, f"{key} is missing in {value}"
        assert check(value[key]), f"{key}: {value[key]!r}"


# Running it

@pytest.fixture(scope="session")
def probe_path(request):
    """The program of manifest_probe.c."""
    return paths.probe(request, "manifest_probe")


Probed = collections.namedtuple("Probed", "manifest text result")


def parse(text):
    """The document, its form checked: UTF-8, two spaces of indentation, a newline at the end."""
    document = json.loads(text.decode("utf-8"))
    same = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    assert text.decode("utf-8") == same
    return document


@pytest.fixture(scope="session")
def probe(probe_path):
    def call(*args, complete=True, **options):
        result = process.run([probe_path, *args], **options).check()
        document = parse(result.stdout_bytes)
        listed = document["unavailable"]
        assert f"unavailable: {len(listed)}" in result.stderr
        if complete:
            assert listed == []
            check_object(document, MANIFEST)
        return Probed(document, result.stdout, result)

    return call


def named(items, name):
    found = [item for item in items if item["name"] == name]
    assert len(found) == 1, f"{name!r} in {[item['name'] for item in items]}"
    return found[0]


def missing(manifest):
    return {entry["field"]: entry for entry in manifest["unavailable"]}
