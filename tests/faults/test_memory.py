"""Every allocation of the program fails once, on the tiny cluster; without --whole each fourth."""

import pytest

from faultkit import tiny_scenarios

# Here each one of them, with --whole; elsewhere, what these have in common is passed over with a stride. Nine in
# ten allocations of a connection with TLS are OpenSSL's.
EACH = ("backup-directory", "verify-directory", "restore-directory")
STRIDE = 17
STRIDE_TLS = 61


@pytest.mark.parametrize("name", tiny_scenarios.NAMES)
def test_each_allocation_fails(tiny_scenarios, trials, name, rng):
    step = 1 if name in EACH else STRIDE_TLS if name.endswith("tls") else STRIDE
    trials.sweep_sample(tiny_scenarios[name], "memory", "fail:12", rng, step)


@pytest.mark.parametrize("name", tiny_scenarios.NAMES)
def test_an_allocation_fails_and_all_after_it(tiny_scenarios, trials, name, rng):
    step = 4 * STRIDE_TLS if name.endswith("tls") else 3 * STRIDE
    trials.sweep(tiny_scenarios[name], "memory", "forever:12", start=rng.randrange(step) + 1,
                 step=step)
