#!/bin/sh
# npm run test:unit: every test that needs no server.
. "$(dirname "$0")/prepare.sh"
keep_compiled
unset KEYBEARER_TEST_POSTGRES KEYBEARER_TEST_RIG
if [ $# -gt 0 ]; then files="$*"; else files=$(find src client/src ui/src test bench -name '*.test.ts' ! -name '*.rig.test.ts' ! -path 'test/browser/*' ! -path '*/node_modules/*' | sort); fi
# shellcheck disable=SC2086
run_node --test --test-concurrency=2 $files
