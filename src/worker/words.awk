# Makes C of a catalogue of translations (PO): the initialisers of struct text, in its order. The
# strings of both are written alike. Entries that are fuzzy or not translated are left out.
function flush() {
    if (id != "" && str != "" && !fuzzy)
        printf "    {\"%s\", \"%s\"},\n", id, str
    id = str = ""
    fuzzy = next_fuzzy
    next_fuzzy = 0
}
function text(line) {
    sub(/^[^"]*"/, "", line)
    sub(/"[^"]*$/, "", line)
    return line
}
/^#,.*fuzzy/ { next_fuzzy = 1 }
/^msgid / { flush(); into = "id"; id = text($0); next }
/^msgstr / { into = "str"; str = text($0); next }
/^"/ { if (into == "id") id = id text($0); else str = str text($0) }
/^#~/ { into = "" }
END { flush() }
