#!/bin/sh
# npm run check: format, lint and types, in seconds.
. "$(dirname "$0")/prepare.sh"
oxfmt --check . >&2 || { echo "Run: npm run format" >&2; exit 1; }
oxlint --quiet src client/src test bench demo scripts bin
tsc -p .
run_node scripts/generate.ts --check
sh -n scripts/*.sh
