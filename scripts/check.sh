#!/usr/bin/env bash
# Everything that CI asks for except the tests on real servers. Runs all steps even when one fails, and says which did.
#   scripts/check.sh [STEP ...]      without names: all steps
set -uo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH

format() { prettier --check --log-level warn 'src/**/*.ts' 'test/**/*.ts' 'bench/**/*.ts' 'scripts/**/*.{ts,mjs}' '*.{js,cjs}' 'bin/*.cjs' --no-error-on-unmatched-pattern; }
lint() { eslint --max-warnings 0 .; }
types() { tsc -p tsconfig.json --noEmit; }
imports() { depcruise --config .dependency-cruiser.cjs --output-type err $(ls -d src test bench scripts 2>/dev/null); }
unused() { knip --no-progress --no-config-hints; }
lockfile() { node scripts/complete-lock.mjs --check; }
generated() { [ ! -f scripts/generate.ts ] || node --import tsx scripts/generate.ts --check; }
examples() { [ ! -f scripts/run-examples.ts ] || node --import tsx scripts/run-examples.ts; }
tests() { node --import tsx test/run.ts --kind unit,prop; }

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(format lint types imports unused lockfile generated examples tests)
failed=()
for step in "${steps[@]}"; do
  case $step in format | lint | types | imports | unused | lockfile | generated | examples | tests) ;; *) echo "check: no step \"$step\"" >&2; exit 2 ;; esac
  started=$SECONDS
  if "$step"; then result=ok; else result=FAILED; failed+=("$step"); fi
  echo "check $step: $result, $((SECONDS - started)) s"
done
[ ${#failed[@]} -eq 0 ] || { echo "check failed: ${failed[*]}"; exit 1; }
