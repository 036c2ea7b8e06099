#!/usr/bin/env bash
# Puts in place what `npm test` needs besides npm packages: servers and a Python environment, one file each in
# test-servers/. Safe to repeat; takes well under a second once everything is there. All of it lives outside the
# repository. Without arguments everything, else only what is named: scripts/setup-tests.sh mysql
set -euo pipefail

CACHE=${SLUICE_TEST_CACHE:-$HOME/.cache/sluice-test}
SETUPS=(postgres python mariadb mysql s3 sftp)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for file in "$here"/test-servers/*.sh; do source "$file"; done

mkdir -p "$CACHE"
# Two test runs that start together must not install over each other.
if command -v flock >/dev/null; then exec 9>"$CACHE/lock"; flock 9; fi
[ $# -gt 0 ] || set -- "${SETUPS[@]}"
for name in "$@"; do "setup_$name"; done
