# Sets $cache: the folder where tests/servers/install keeps servers and stock tools.
# shellcheck shell=bash disable=SC2034
if [ -n "${PGCASK_TEST_CACHE:-}" ]; then
    cache=$(realpath -m "$PGCASK_TEST_CACHE")
elif [ "$(id -u)" -eq 0 ]; then
    cache=/var/cache/pgcask-tests
else
    cache=$HOME/.cache/pgcask-tests
fi
