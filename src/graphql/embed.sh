#!/bin/sh
# Prints a C file that holds the given text files, each as embedded_<name>[] with its length, and
# the lists of the migrations and of the operations among them. Run by make.
set -eu
echo '#include "graphql/embedded.h"'
migrations=
operations=
for path; do
    file=${path##*/}
    name=$(printf %s "$file" | tr -c 'A-Za-z0-9' _)
    case $path in
    */operations/*) operations="$operations $name"
           echo "static const char embedded_$name[] =" ;;
    *.sql) migrations="$migrations $name:$file"
           echo "static const char embedded_$name[] =" ;;
    *) echo "const char embedded_$name[] =" ;;
    esac
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$path"
    echo '    ;'
    case $path in
    */operations/* | *.sql) ;;
    *) echo "const size_t embedded_${name}_len = sizeof(embedded_$name) - 1;" ;;
    esac
done
echo 'const struct embedded_migration embedded_migrations[] = {'
for m in $migrations; do
    file=${m#*:}
    number=$(printf %s "${file%%_*}" | sed 's/^0*//')
    echo "    {$number, \"$file\", embedded_${m%%:*}},"
done
echo '    {0, NULL, NULL}};'
echo 'const struct embedded_operation embedded_operations[] = {'
for o in $operations; do
    echo "    {embedded_$o, sizeof(embedded_$o) - 1},"
done
echo '    {NULL, 0}};'
