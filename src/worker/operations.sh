#!/bin/sh
# Prints a C header: for each operation of the directory $1 that the other arguments name, the name
# by which presence-graphqld knows it: sha256: and the digest of its text.
set -e
echo "/* Made by operations.sh from graphql/operations/. */"
directory=$1
shift
for name; do
    macro=$(echo "$name" | sed 's/\([a-z]\)\([A-Z]\)/\1_\2/g' | tr a-z A-Z)
    digest=$(sha256sum < "$directory/$name.graphql" | cut -d' ' -f1)
    printf '#define OPERATION_%s "sha256:%s"\n' "$macro" "$digest"
done
