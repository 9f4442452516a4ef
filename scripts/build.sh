#!/bin/sh
# npm run build: compiles what is published into dist/, client/dist/ and ui/dist/.
. "$(dirname "$0")/prepare.sh"
. scripts/page.sh
rm -rf dist client/dist
build_page
tsc -p tsconfig.build.json
tsc -p client/tsconfig.build.json
echo "built dist/, client/dist/ and ui/dist/" >&2
