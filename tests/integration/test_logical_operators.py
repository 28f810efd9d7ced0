"""Operators, their classes and families in logical backups, beside what stock tools make of them."""

import pytest

from pgcask_testing import logical
from pgcask_testing.logical import cluster, make, script  # noqa: F401


def test_operators_come_back_with_all_that_uses_them(pgcask, cluster, major, workdir):
    logical.round_trip(pgcask, cluster, make(cluster, "round", script("operators")), workdir)
