"""Requests that somebody might send to bring presence-graphqld down. Used by the tests, which look at each
answer, and by `make bench-graphql`, which looks at a normal client beside them."""

import json

NESTED = 10000
MB = 1 << 20


def body(query, variables=None):
    return json.dumps({"query": query, "variables": variables or {}}).encode()


def bomb(levels, leaf):
    """Fragments that spread the next one twice: 2^levels selections if somebody copies them out."""
    return "{...F0}" + "".join(f"fragment F{n} on Query{{...F{n + 1} ...F{n + 1}}}"
                               for n in range(levels)) + f"fragment F{levels} on Query{{{leaf}}}"


def cross(fragments):
    """Each fragment spreads all that follow."""
    return "{...F0}" + "".join(
        f"fragment F{n} on Query{{a{n}:__typename "
        + " ".join(f"...F{m}" for m in range(n + 1, fragments)) + "}" for n in range(fragments))


def overlapping(n):
    """Sets of fields that all have to be compared with each other."""
    part = "g:__schema{t:types{f:fields{n:name}}}"
    return "{" + " ".join(f"...on Query{{{part}}}" for _ in range(n)) + "}"


def hostile():
    """(what, body, a code it is refused with; None: it is answered)"""
    names = [f"n{i}" for i in range(3000)]
    lanes = "query($l:[Int!]!){lanes(lanes:$l){lane}}"
    invalid = "GRAPHQL_VALIDATION_FAILED"
    return [
        ("10 MB of fields", body("{" + "a " * (5 * MB) + "}"), "LIMIT_BODY"),
        ("10 MB of variables", body("{__typename}", {"x": "y" * (10 * MB)}), "LIMIT_BODY"),
        ("1.9 MB of fields", body("{" + "a " * (MB * 19 // 20) + "}"), "LIMIT_DOCUMENT"),
        ("250 kB of fields", body("{" + "a " * 125000 + "}"), "LIMIT_TOKENS"),
        ("250 kB of comments", body("#\n" * 125000 + "{__typename}"), None),
        ("250 kB of one name", body("{" + "a" * 250000 + "}"), invalid),
        ("250 kB of one string", body('{service(name:"' + "x" * 250000 + '"){name}}'), invalid),
        ("250 kB of a string without an end", body('{service(name:"' + "x" * 250000),
         "GRAPHQL_PARSE_FAILED"),
        ("250 kB of a block string", body('{service(name:"""' + " \n" * 125000 + '"""){version}}'),
         invalid),
        ("1.9 MB of a string in variables", body("{__typename}", {"x": "\n" * (MB * 19 // 20)}), None),
        ("depth 10,000", body("{a" * NESTED + "}" * NESTED), "LIMIT_NESTING"),
        ("lists 10,000 deep", body("{lanes(lanes:" + "[" * NESTED + "]" * NESTED + "){lane}}"),
         "LIMIT_NESTING"),
        ("types 10,000 deep", body("query($x:" + "[" * NESTED + "Int" + "]" * NESTED
                                   + "){__typename}"), "LIMIT_NESTING"),
        ("100,000 aliases", body("{" + " ".join(f"a{i}:__typename" for i in range(100000)) + "}"),
         "LIMIT_DOCUMENT"),
        ("3,000 aliases", body("{" + " ".join(f"{n}:__typename" for n in names) + "}"),
         "LIMIT_ROOTS"),
        ("3,000 directives", body("{__typename" + " @skip(if:true)" * 900 + "}"),
         "LIMIT_DIRECTIVES"),
        ("3,000 arguments", body("{nope(" + " ".join(f"{n}:1" for n in names) + ")}"), invalid),
        ("3,000 fields of an object", body("{nope(a:{" + " ".join(f"{n}:1" for n in names) + "})}"),
         invalid),
        ("2,000 variables", body("query(" + " ".join(f"${n}:Int" for n in names[:2000])
                                 + "){__typename}"), invalid),
        ("1,200 operations", body(" ".join(f"query {n}{{__typename}}" for n in names[:1200])),
         "BAD_REQUEST"),
        ("1,000 unknown fragments", body("{" + " ".join(f"...{n}" for n in names) + "}"), invalid),
        ("fragments that spread themselves", body("{...A}fragment A on Query{...B}"
                                                  "fragment B on Query{...A __typename}"), invalid),
        ("a ring of 1,000 fragments", body("{...F0}" + "".join(
            f"fragment F{n} on Query{{...F{(n + 1) % 1000}}}" for n in range(1000))), invalid),
        ("a bomb of fragments", body(bomb(300, "__typename")), None),
        ("a larger one", body(bomb(900, "__typename")), "LIMIT_OVERLAPS"),
        ("a bomb of aliases", body(bomb(900, "a:__typename")), "LIMIT_ALIASES"),
        ("fragments that spread all others", body(cross(70)), "LIMIT_ALIASES"),
        ("fields that overlap", body(overlapping(400)), "LIMIT_OVERLAPS"),
        ("variables 10,000 deep", b'{"query":"{__typename}","variables":{"x":' + b"[" * NESTED
         + b"]" * NESTED + b"}}", "LIMIT_VARIABLES"),
        ("an object for a list", body(lanes, {"l": {"a": 1}}), "BAD_USER_INPUT"),
        ("a list for an object", b'{"query":"{__typename}","variables":[1]}', "BAD_REQUEST"),
        ("text for a number", body(lanes, {"l": ["1"]}), "BAD_USER_INPUT"),
        ("a number of 1,000,000 digits", b'{"query":"query($l:[Int!]!){lanes(lanes:$l){lane}}",'
         b'"variables":{"l":[' + b"9" * 1000000 + b"]}}", "BAD_USER_INPUT"),
        ("1e999999999", b'{"query":"query($l:[Int!]!){lanes(lanes:$l){lane}}",'
         b'"variables":{"l":[1e999999999]}}', "BAD_USER_INPUT"),
        ("invalid UTF-8", b'{"query":"{__typename}\xc3\x28"}', "BAD_REQUEST"),
        ("UTF-8 of a surrogate", b'{"query":"{__typename}\xed\xa0\x80"}', "BAD_REQUEST"),
        ("half a pair of escapes", b'{"query":"{__typename}\\ud800"}', "BAD_REQUEST"),
        ("a NUL in the body", b'{"query":"{__typename}\x00"}', "BAD_REQUEST"),
        ("a NUL in the document", b'{"query":"{__typename}\\u0000"}', "GRAPHQL_PARSE_FAILED"),
        ("a NUL before the body's end", b"\x00" * 100, "BAD_REQUEST"),
        ("nothing", b"", "BAD_REQUEST"),
        ("no object", b"[]", "BAD_REQUEST"),
        ("many objects", b'[{"query":"{__typename}"},{"query":"{__typename}"}]', "BAD_REQUEST"),
        ("half an object", b'{"query":"{__typename}"', "BAD_REQUEST"),
        ("keys twice", b'{"query":"{__typename}","query":"{__typename}"}', "BAD_REQUEST"),
    ]
