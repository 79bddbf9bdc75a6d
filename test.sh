#!/usr/bin/env bash
# Runs all of Kopeck's tests. Installs what they need and is missing: Debian packages when root,
# cargo-nextest from crates.io. Needs a Rust toolchain and a C compiler.
#
#   ./test.sh            everything
#   ./test.sh FILTER…    only tests whose name contains FILTER (passed on to cargo-nextest)
set -euo pipefail
cd "$(dirname "$0")"

# Outside the clone, so that fresh clones share what is built; inside, when there is no home.
cache="${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/kopeck"
if [ -z "${CARGO_TARGET_DIR:-}" ] && mkdir -p "$cache/target" 2>/dev/null && [ -w "$cache/target" ]; then
    export CARGO_TARGET_DIR="$cache/target"
fi

# need PROGRAM-OR-GLOB PACKAGE…: installs the packages when nothing matches.
need() {
    local what=$1
    shift
    if command -v "$what" >/dev/null 2>&1 || compgen -G "$what" >/dev/null; then return; fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "test.sh: installing $*"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
    else
        echo "test.sh: the tests need '$what'; on Debian: sudo apt-get install $*" >&2
        exit 1
    fi
}
need cc gcc libc6-dev
need node nodejs
need npm npm
need '/usr/lib/postgresql/*/bin/initdb' postgresql
need chromium chromium
need chromedriver chromium-driver
need pdftoppm poppler-utils
# The webhook guide's examples run in the languages that it is written for.
need php php-cli
need python3 python3
need openssl openssl
# Letters go through a real mail server; Debian's own Python has it.
need '/usr/lib/python3/dist-packages/aiosmtpd' python3-aiosmtpd

if ! cargo nextest --version >/dev/null 2>&1; then
    echo "test.sh: installing cargo-nextest"
    cargo install --locked cargo-nextest
fi

# One throw-away PostgreSQL for all tests; each test makes its own database there.
if [ -z "${KOPECK_TEST_POSTGRES:-}" ]; then
    pg_bin=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1)
    pg_dir=$(mktemp -d /tmp/kopeck-pg.XXXXXX)
    # PostgreSQL refuses to run as root.
    as_pg() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
    stop_pg() {
        as_pg "$pg_bin/pg_ctl" -D "$pg_dir/data" -m immediate stop >/dev/null 2>&1 || true
        rm -rf "$pg_dir"
    }
    trap stop_pg EXIT
    if [ "$(id -u)" = 0 ]; then chown postgres "$pg_dir"; fi
    chmod 755 "$pg_dir"
    (
        cd "$pg_dir"
        as_pg "$pg_bin/initdb" -D "$pg_dir/data" -U postgres --auth=trust --no-locale -E UTF8 -N >initdb.log
        as_pg "$pg_bin/pg_ctl" -D "$pg_dir/data" -l "$pg_dir/server.log" -w \
            -o "-k '$pg_dir' -c listen_addresses= -c fsync=off -c synchronous_commit=off \
                -c full_page_writes=off -c max_connections=300" start >start.log </dev/null
    ) 2>&1 || { cat "$pg_dir"/*.log >&2; exit 1; }
    export KOPECK_TEST_POSTGRES="postgres://postgres@${pg_dir//\//%2F}/postgres"
fi

# The simulation runs three times as fast with our own code optimised a little, which saves more than
# compiling it so costs. All checks of the dev profile stay on.
export CARGO_PROFILE_DEV_OPT_LEVEL="${CARGO_PROFILE_DEV_OPT_LEVEL:-1}"

# Every one of a million receipts goes through both banks' checks; narrow runs sample them.
export KOPECK_BASKETS_SENT="${KOPECK_BASKETS_SENT:-1}"

# Ten years of subscriptions are lived by few people in few worlds here: the whole takes long.
if [ -z "${KOPECK_SIM_PEOPLE:-}" ]; then
    echo "test.sh: NOTE: ten years of subscriptions run SMALL (20 people); all of it:" \
        "KOPECK_SIM_PEOPLE=1000 KOPECK_SIM_SEEDS=1000 ./test.sh sim::decade"
fi

# A failing test says in its message what is wrong; the frames of its backtrace would only push that
# off the end of a log. KOPECK_BACKTRACE=1 brings them back.
export RUST_BACKTRACE="${KOPECK_BACKTRACE:-0}"

# Lints, builds and tests the n8n package against the binary that the tests have built. No install
# script of a package is run (.npmrc); nothing but npm's registry is asked.
test_n8n_package() {
    local binary
    binary="$(realpath "${CARGO_TARGET_DIR:-target}")/debug/kopeck"
    (
        cd integrations/n8n-nodes-kopeck
        npm ci --loglevel=error
        npm run --silent lint
        npm run --silent format:check
        npm run --silent build
        KOPECK_BIN="$binary" npm run --silent test
    ) </dev/null
}

# What the browser tests measure pages with; without it they would say so and look at pictures only.
(cd crates/server/tests/axe && npm ci --loglevel=error </dev/null)

# The examples in the documentation, then everything else in Rust, then what is not in Rust.
cargo test --doc --workspace
cargo nextest run --workspace --no-fail-fast --hide-progress-bar "$@"
if [ $# = 0 ]; then test_n8n_package; fi
