#!/bin/sh
# npm run check: format, lint, types and generated files, in seconds.
. "$(dirname "$0")/prepare.sh"
folders=
for folder in src client/src ui/src test bench demo deploy scripts bin; do
  [ ! -d "$folder" ] || folders="$folders $folder"
done
oxfmt --check . >/dev/null || { echo "Not formatted. Run: npm run format" >&2; exit 1; }
# shellcheck disable=SC2086
oxlint --type-aware $folders
tsc -p .
[ ! -d ui/src ] || tsc -p ui
run_node scripts/generate.ts --check
for script in scripts/*.sh .ci/run; do sh -n "$script"; done
echo "Checked: format, lint, types, generated files." >&2
