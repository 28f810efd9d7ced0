"""Languages, casts, transforms, access methods and conversions in logical backups, beside what stock
tools make of them."""

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import cluster, make, script  # noqa: F401


def test_all_come_back_with_what_uses_them(pgcask, cluster, major, workdir):
    logical.round_trip(pgcask, cluster, make(cluster, "round", script("languages")), workdir)
