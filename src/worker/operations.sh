#!/bin/sh
# Prints a C header: the name of each operation of the directory $1 that a worker sends, as
# presence-graphqld knows it: sha256: and the digest of its text.
set -e
echo "/* Made by operations.sh from graphql/operations/. */"
for name in ClaimLanes GuildSeeds MemberSeeds RecordSightings; do
    macro=$(echo "$name" | sed 's/\([a-z]\)\([A-Z]\)/\1_\2/g' | tr a-z A-Z)
    digest=$(sha256sum < "$1/$name.graphql" | cut -d' ' -f1)
    printf '#define OPERATION_%s "sha256:%s"\n' "$macro" "$digest"
done
