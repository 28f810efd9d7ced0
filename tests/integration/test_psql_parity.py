"""The same strings, variables and files give the same outcome as psql.

A case is a row of the tables in pgcask_testing/parity_*_cases.py. The oracle is psql 18: whether it
gets in, as whom, where and how; or why not, by the classes of parity.py. A message of psql's that
fits no class fails the test. The same case is run through src/wire (wire_probe), some through
pgcask ping or psql 15.
"""

import pytest

from pgcask_testing import parity, parity_login_cases, parity_place_cases, parity_tls_cases
from pgcask_testing.parity_stage import Stage

CASES = parity_tls_cases.CASES + parity_login_cases.CASES + parity_place_cases.CASES

# Where releases might differ. psql 15 agrees in all the other cases too that it has words for.
ALSO_BY_OLD_PSQL = parity_login_cases.PASSFILE + parity_place_cases.HOSTS + parity_tls_cases.SSLMODE


@pytest.fixture(scope="module")
def stage(module_servers, authority, pgcask_path, probe_program):
    stage = Stage(module_servers, authority, pgcask_path, probe_program)
    yield stage
    stage.close()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_outcome_is_psqls(stage, case):
    outcomes = stage.compare(case, old_psql=case in ALSO_BY_OLD_PSQL)
    what = "\n\n".join([case.name, *(f"{who}: {its}" for who, its in outcomes.items())])
    theirs, ours = outcomes["psql"], outcomes["probe"]
    assert parity.UNKNOWN not in theirs.reasons, what
    assert "s3cret" not in ours.text, what
    assert ours.accepted or ours.hinted, what
    if case.ours is None:
        assert parity.differences(theirs, ours) == [], what
    else:
        assert ours.brief == case.ours[0], what
        assert parity.differences(theirs, ours) != [], f"{what}\nit does not differ any more"
    if "old psql" in outcomes:
        assert parity.differences(theirs, outcomes["old psql"]) == [], what
    if "ping" in outcomes:
        assert parity.differences(ours, outcomes["ping"]) == [], what
        assert "s3cret" not in outcomes["ping"].text, what


def test_the_table_is_as_large_as_promised():
    assert len({case.name for case in CASES}) == len(CASES) >= 150
