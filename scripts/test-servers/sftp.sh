# An OpenSSH server for the SFTP tests, which start one of their own.

setup_sftp() {
  [ -x /usr/sbin/sshd ] && command -v ssh-keygen >/dev/null && return
  can_apt || die "an SSH server is needed: install the package openssh-server"
  # The package's own server must not start.
  local policy=/usr/sbin/policy-rc.d
  [ -e $policy ] && policy= || { printf '#!/bin/sh\nexit 101\n' > $policy; chmod 755 $policy; }
  apt_install openssh-server openssh-client
  [ -z "$policy" ] || rm -f "$policy"
}
