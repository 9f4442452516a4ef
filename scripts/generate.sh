#!/bin/sh
# npm run generate: makes the generated files anew.
. "$(dirname "$0")/prepare.sh"
run_node scripts/generate.ts "$@"
