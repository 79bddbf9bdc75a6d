#!/usr/bin/env bash
# Loads the package into a real n8n and runs it against a real Kopeck with its bank's emulator:
# credentials are tested, workflows imported and executed, the trigger hears of a payment, an
# execution whose reply was lost is tried again and takes no second payment.
#
#   KOPECK_BIN=…/kopeck test/in-n8n.sh             installs n8n into a folder outside the repository
#   KOPECK_BIN=…/kopeck N8N_DIR=… test/in-n8n.sh   takes the n8n that N8N_DIR/node_modules holds
#
# Installing n8n takes minutes and 2 GB, so this is no part of test.sh. N8N_VERSION must suit the
# machine's Node.js: 1.123 runs on 20.19 to 24, the later 2.x on 24. N8N_EXPRESSION_ENGINE=vm takes
# the engine that 2.x has as its default.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${KOPECK_BIN:?must name the kopeck binary}"
version="${N8N_VERSION:-1.123.81}"
dir="${N8N_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/kopeck/n8n-$version}"

if [ ! -x "$dir/node_modules/.bin/n8n" ]; then
    echo "in-n8n: installing n8n $version into $dir"
    mkdir -p "$dir"
    # n8n takes xlsx from its maker's own server; the registry has an older one, which nothing here
    # uses. Of all install scripts only the database's is needed.
    printf '{"private": true, "overrides": {"xlsx": "0.18.5"}}\n' >"$dir/package.json"
    (cd "$dir" && npm install --ignore-scripts --no-audit --no-fund "n8n@$version" && npm rebuild sqlite3)
fi
[ -d dist ] || npm run build
folder=$(mktemp -d "${TMPDIR:-/tmp}/kopeck-in-n8n.XXXXXX")
trap 'rm -rf "$folder"' EXIT
# What would be published, installed as the guide says.
nodes="$folder/.n8n/nodes"
mkdir -p "$nodes"
tarball=$(npm pack --silent --pack-destination "$folder")
(cd "$nodes" && npm install --silent --legacy-peer-deps --ignore-scripts "$folder/$tarball")
N8N_BIN="$dir/node_modules/.bin/n8n" N8N_USER_FOLDER="$folder" node test/in-n8n.mjs
