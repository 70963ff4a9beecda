#!/bin/bash
# in_browser.sh PROGRAM [--pictures FOLDER] [WORD...]: gets Playwright from npm into the build's
# folder, then drives the showcase with it (browser.mjs). Without npm, or when nothing can be
# had from it, the cases are counted as skipped. Run from the repository's root.
set -euo pipefail

playwright=playwright-core@1.64.1 # one version, so that a new one cannot change a result
folder=$PWD/build/browser
if [ ! -e "$1" ]; then
    echo "ok - showcase: in a browser # SKIP it was not built"
    exit
fi
if [ ! -d "$folder/node_modules" ]; then
    mkdir -p "$folder"
    if ! timeout 120 npm install --silent --no-package-lock --no-save --prefix "$folder" $playwright; then
        rm -rf "$folder"
        echo "ok - showcase: in a browser # SKIP no $playwright to be had from npm"
        exit
    fi
fi >&2
KEEL_NODE_MODULES=$folder/node_modules exec node "$(dirname "$0")/browser.mjs" "$@"
