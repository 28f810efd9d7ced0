# Shell functions that the set-up and test scripts share. Source it; it runs nothing by itself.
#
#   repo_root               the top folder of the project
#   as_root COMMAND…        run COMMAND as root: directly, or through sudo for a plain user
#   need_packages PKG…      install the Debian packages that are missing; quick when none is
#   build_packages          array: what building (all presets, format and lint checks) needs
#   library_packages        array: those of them that have headers and static archives
#   arm64_packages          array: what the preset arm64 needs besides, on amd64
#   test_packages           array: what the test suites need besides a built pgcask

# shellcheck shell=bash disable=SC2034

library_packages=(
    libc6-dev libssl-dev zlib1g-dev liblz4-dev libzstd-dev libxxhash-dev libjansson-dev
    libnghttp2-dev libprotobuf-c-dev libutf8proc-dev libcmocka-dev
)

build_packages=(
    gcc make cmake ninja-build pkg-config protobuf-c-compiler
    clang clang-format clang-tidy lld libclang-rt-14-dev llvm
    "${library_packages[@]}"
)

arm64_packages=(gcc-aarch64-linux-gnu qemu-user-static)
[ "$(uname -m)" != aarch64 ] || arm64_packages=() # it is its own compiler's target

# Extensions that are no part of PostgreSQL, for test_logical_packages.py.
extension_packages=(
    cron debversion first-last-agg hll hypopg ip4r jsquery numeral orafce partman periods pgaudit
    pgmp pgsphere pgtap postgis-3 postgis-3-scripts prefix q3c rational semver similarity tablelog
    tdigest unit
)

# postgresql-15 carries the server, contrib and pgbench; its client package the stock tools.
# npm only fetches and unpacks the server packages; a nodejs of another origin brings its own.
test_packages=(
    postgresql-15 postgresql-client-15
    python3 python3-pytest python3-pytest-xdist python3-h2 python3-jsonschema git
    debootstrap patchelf openssl iproute2 util-linux procps ca-certificates groff-base man-db mandoc
    binutils zstd fish zsh systemd python3-yaml
    "${extension_packages[@]/#/postgresql-15-}"
)

repo_root() {
    cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "must be root, or have sudo, to run: $*" >&2
        return 1
    fi
}

# Prints those of the named packages that are not fully installed, one a line.
missing_packages() {
    comm -23 \
        <(printf '%s\n' "$@" | sort -u) \
        <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
            sed -n 's/^installed //p' | sort -u)
}

need_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -eq 0 ] && return 0
    echo "installing: ${missing[*]}" >&2
    as_root apt-get update -q >&2
    as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
        apt-get install -y -q --no-install-recommends \
        -o Dpkg::Options::=--force-confold "${missing[@]}" >&2
}
