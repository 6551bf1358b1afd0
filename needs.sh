#!/usr/bin/env bash
# Finds or installs what the hub needs. Without an argument, what building and running it needs: Rust, a C compiler,
# PostgreSQL 14 or later. With "test", what its tests need too: Node 20 or later, Chromium, nginx, the packages of the browser
# tests, of the clients that real consumers use, and of the provider by whom people sign in. With "bench", what the bench
# needs too: wrk and nginx.
set -euo pipefail
cd "$(dirname "$0")"
purpose=${1:-run}

stop() {
    echo "$1" >&2
    exit 2
}

command -v cargo >/dev/null || stop "Rust is missing: install it from https://rustup.rs and try again."

# The programs of a PostgreSQL are looked for where the hub itself looks.
has_postgres() {
    command -v initdb >/dev/null && [[ "$(initdb --version)" =~ \ (1[4-9]|[2-9][0-9])[.a-z] ]] && return
    compgen -G "/usr/lib/postgresql/1[4-9]/bin/initdb" >/dev/null && return
    compgen -G "/usr/pgsql-1[4-9]/bin/initdb" >/dev/null && return
    compgen -G "/opt/homebrew/opt/postgresql@1[4-9]/bin/initdb" >/dev/null && return
    compgen -G "/usr/local/opt/postgresql@1[4-9]/bin/initdb" >/dev/null
}

has_chromium() {
    [ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null
}

# Debian keeps it where the PATH of ordinary users does not lead.
has_nginx() {
    command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || [ -x /usr/local/sbin/nginx ]
}

node_major() {
    node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/'
}

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
has_postgres || missing+=(postgresql)
if [ "$purpose" = test ]; then
    has_chromium || missing+=(chromium)
    command -v node >/dev/null || missing+=(nodejs npm)
    has_nginx || missing+=(nginx)
fi
if [ "$purpose" = bench ]; then
    command -v wrk >/dev/null || missing+=(wrk)
    has_nginx || missing+=(nginx)
fi

if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null && sudo -n true 2>/dev/null && as_root=(sudo -n)
        [ ${#as_root[@]} -gt 0 ] ||
            stop "Missing: ${missing[*]}. Install them (on Debian: apt-get install ${missing[*]}) and try again."
    fi
    command -v apt-get >/dev/null ||
        stop "Missing: ${missing[*]}. Install them with this system's package manager and try again."

    temporary=()
    trap '[ ${#temporary[@]} -eq 0 ] || "${as_root[@]}" rm -f "${temporary[@]}"' EXIT
    # Debian's package makes and starts a cluster of its own unless it is told not to; the hub has no use for it.
    conf=/etc/postgresql-common/createcluster.conf
    if [[ " ${missing[*]} " == *" postgresql "* ]] && [ ! -e "$conf" ]; then
        "${as_root[@]}" mkdir -p "${conf%/*}"
        echo "create_main_cluster = false" | "${as_root[@]}" tee "$conf" >/dev/null
        # For this installation alone: whoever wants a cluster later gets one as usual.
        temporary+=("$conf")
    fi
    # Debian's package starts nginx on port 80 when that is free, through invoke-rc.d, which asks this policy; 101 forbids it.
    # A policy that is there already is somebody's own.
    policy=/usr/sbin/policy-rc.d
    if [[ " ${missing[*]} " == *" nginx "* ]] && [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
        temporary+=("$policy")
    fi
    echo "Installing ${missing[*]} …"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null
    # Nor is it to start with the machine: the tests start one of their own, with a folder and ports of its own.
    if [[ " ${missing[*]} " == *" nginx "* ]]; then
        "${as_root[@]}" update-rc.d nginx disable >/dev/null
    fi
fi

if [ "$purpose" = test ]; then
    major=$(node_major)
    [ "${major:-0}" -ge 20 ] ||
        stop "The browser tests need Node 20 or later, and this is ${major:-none}: install it from https://nodejs.org and try again."
    for folder in tests/browser tests/clients tests/provider; do
        # Installed anew only when the lock file changed.
        installed=$folder/node_modules/.package-lock.json
        if [ ! -e "$installed" ] || [ "$folder/package-lock.json" -nt "$installed" ]; then
            npm --prefix "$folder" ci --no-audit --no-fund --silent
            touch "$installed"
        fi
    done
fi
