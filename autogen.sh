#!/bin/sh
# Generates configure and its companions. Run once after a clone, then configure and make.
set -eu
cd "$(dirname "$0")"
mkdir -p m4 build-aux
exec autoreconf --install --force "$@"
