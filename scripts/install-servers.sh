#!/bin/sh
# Installs the servers and clients that the tests talk to, from Debian's packages. Safe to run again.
set -eu
packages="postgresql dovecot-core dovecot-imapd dovecot-submissiond dovecot-lmtpd postfix msmtp curl openssl libsasl2-modules chromium fonts-dejavu-core swaks s-nail git git-email libmailtools-perl libnet-smtp-ssl-perl libauthen-sasl-perl libio-socket-ssl-perl python3 mutt php-cli"
missing=
for package in $packages; do
  # "postgresql" stands for whichever version Debian has.
  if [ "$package" = postgresql ]; then
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing $package"
  else
    dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing="$missing $package"
  fi
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "Keybearer: the tests need these Debian packages:$missing" >&2
  echo "Install them:  sudo apt-get install --no-install-recommends$missing" >&2
  echo "Without them:  npm run test:unit" >&2
  exit 1
fi
echo "Keybearer: installing$missing ..." >&2
export DEBIAN_FRONTEND=noninteractive
# Packages must not start their daemons: the tests start their own.
made_policy=
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  made_policy=1
fi
log=$(mktemp)
install_all() {
  # shellcheck disable=SC2086
  apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >"$log" 2>&1
}
install_all || { apt-get -o DPkg::Lock::Timeout=300 update >"$log" 2>&1 && install_all; } || {
  tail -20 "$log" >&2
  exit 1
}
rm -f "$log"
[ -z "$made_policy" ] || rm -f /usr/sbin/policy-rc.d
