#!/bin/sh
# Installs the programs that the tests run against and that are missing. What
# comes from npm is installed by the tests themselves, by exact version.
set -eu

missing=
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
[ -x /usr/bin/chromium ] || missing="$missing chromium"
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
	echo "the tests need$missing; install them and run this again" >&2
	exit 1
fi
apt-get update -q
# shellcheck disable=SC2086 # a list of packages
DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $missing
