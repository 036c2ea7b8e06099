# MariaDB server and client programs; the server's path is recorded in $CACHE/mariadb-server. Sourced by ../setup-tests.sh.

# Debian keeps servers outside the PATH of ordinary users.
find_mariadb_server() { PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mariadbd || true; }

setup_mariadb() {
  local server=${SLUICE_TEST_MARIADBD:-$(find_mariadb_server)}
  if [ -z "$server" ] || ! command -v mariadb-install-db >/dev/null || ! command -v mariadb >/dev/null; then
    can_apt || die "MariaDB is needed (Debian: mariadb-server-core, mariadb-client-core), or set SLUICE_TEST_MARIADBD"
    # The core packages come without a service that would start.
    apt_install mariadb-server-core mariadb-client-core
    server=$(find_mariadb_server)
  fi
  record mariadb-server "$server"
}
