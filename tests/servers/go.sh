# find_go: prints the path of a Go that is new enough for Plakar's modules. Source it, and set $work
# to a folder for scratch files first; it needs need_packages of scripts/lib.sh.
# shellcheck shell=bash disable=SC2154

go_wanted=1.25.4 # at least what plakar's go.mod asks for

# True if that Go is at least the one wanted.
is_new_enough() {
    local have
    have=$("$1" env GOVERSION 2>/dev/null) || return 1
    [ "$(printf '%s\n' "$go_wanted" "${have#go}" | sort -V | head -n 1)" = "$go_wanted" ]
}

# The machine's own Go, or one that comes from the Go module proxy like any module. Debian's is too
# old to build with, but can fetch that one.
find_go() {
    local go=go arch tree
    [ -x "$(command -v go)" ] || go=/usr/local/go/bin/go
    if is_new_enough "$go"; then
        echo "$go"
        return
    fi
    command -v "$go" >/dev/null || { need_packages golang-go; go=go; }
    case $(uname -m) in
    x86_64) arch=amd64 ;;
    aarch64) arch=arm64 ;;
    *) echo "no Go for $(uname -m)" >&2; return 1 ;;
    esac
    (
        cd "$work" || exit 1
        "$go" mod init fetch-go
        "$go" mod download "golang.org/toolchain@v0.0.1-go$go_wanted.linux-$arch"
    ) >&2 || return
    tree=$("$go" env GOMODCACHE)/golang.org/toolchain@v0.0.1-go$go_wanted.linux-$arch
    # Archives of modules do not say what is executable.
    chmod -R u+w "$tree"
    chmod a+x "$tree"/bin/* "$tree"/pkg/tool/*/*
    echo "$tree/bin/go"
}
