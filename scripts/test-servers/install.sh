# Installing, for the files beside this one; sourced by ../setup-tests.sh.

say() { printf 'setup-tests: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

apt_updated=
apt_install() {
  say "installing $* with apt-get"
  if [ -z "$apt_updated" ]; then apt-get update -qq >&2; apt_updated=yes; fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# Remembers where something is, for test/servers/*.ts: record NAME PATH
record() {
  [ "$(cat "$CACHE/$1" 2>/dev/null)" = "$2" ] && return
  say "$1: $2"
  echo "$2" > "$CACHE/$1.$$"
  mv "$CACHE/$1.$$" "$CACHE/$1"
}
