#!/bin/sh
# Generates configure and its companions. Run once after a clone, then configure and make.
set -eu
cd "$(dirname "$0")"
for tool in autoreconf automake libtoolize pkg-config; do
    command -v "$tool" >/dev/null || {
        echo "autogen.sh: $tool is missing" >&2
        echo "On Debian:  apt-get install autoconf automake libtool pkg-config" >&2
        exit 1
    }
done
mkdir -p m4 build-aux
exec autoreconf --install --force "$@"
