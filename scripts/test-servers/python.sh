# A Python environment with PyIceberg at $CACHE/pyiceberg. Sourced by ../setup-tests.sh.

PYTHON_PACKAGES=('pyiceberg[pyarrow,sql-sqlite,sql-postgres,pyiceberg-core]==0.12.0' 'psycopg2-binary==2.9.13')

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
