#!/bin/sh
# Prints a C header: each operation of the directory $1 that a worker sends as a string literal that
# holds a JSON string. White space is folded, which changes nothing for GraphQL.
set -e
echo "/* Made by operations.sh from graphql/operations/. */"
for name in ClaimLanes GuildSeeds MemberSeeds RecordSightings; do
    macro=$(echo "$name" | sed 's/\([a-z]\)\([A-Z]\)/\1_\2/g' | tr a-z A-Z)
    text=$(tr '\n' ' ' < "$1/$name.graphql" | sed 's/  */ /g; s/ $//')
    case $text in
    *\"*|*\\*) echo "operations.sh: $name holds a quote or a backslash" >&2; exit 1 ;;
    esac
    printf '#define OPERATION_%s "\\"%s\\""\n' "$macro" "$text"
done
