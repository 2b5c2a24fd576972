"""Settings as the workers' table has them and as PostgreSQL has them: the same rows, the same verdict
about every value, the same rules for all of them together."""

import json
import random
import subprocess

import harness

ROUNDS = 60
SCRAPS = ["", "0", "1", "-1", "1.5", "0.0005", "1e3", "1E-1", "null", "true", "false", "[]", "{}",
          "\"\"", "\"0\"", "\"5\"", "\"05\"", "\"18446744073709551615\"", "\"18446744073709551616\"",
          "[\"5\"]", "[5]", "[86400]", "[86400,86400,3600,3600.5,7776000]", "[3599.999]", "[3600,]",
          "[86400,86400,3600,3600,3600,3600]", "\"UTC\"", "\"Europe/Berlin\"", "\"Mars/Olympus\"",
          "\"europe/berlin\"", "\"de\"", "\"en-US\"", "\"\\u0064e\"", "\"d\\u0000\"", "\" de\"", "01",
          "1.", ".5", "+1", "NaN", "1e400", "1 2", "[[]]", "nul", "\"on\"", "\"ON\"", "tru", "'on'",
          "86400", "86399.999", "86400.0001", "157680000", "157680000.001", "[", "\"", "\t1\n"]


def check(mode, lines):
    done = subprocess.run([harness.program("tests/settings_check"), mode], input="\n".join(lines),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.splitlines()


def table():
    return [json.loads(line) for line in check("table", [])]


def test_the_rows_are_the_same(w):
    rows = w.rows("SELECT key, type, least::float8, most::float8, coalesce(choices, '{}'),"
                  " default_value, means FROM setting_definition")
    ours = {r["key"]: (r["type"], r["least"], r["most"], r["choices"], r["default"], r["means"])
            for r in table()}
    assert {r[0]: r[1:] for r in rows} == ours
    assert len(rows) == len(ours) > 95


def mutated(r, text):
    """The text with something taken out, put in or put twice. No NUL: it ends a text in PostgreSQL."""
    at = r.randrange(len(text) + 1)
    return r.choice([
        lambda: text[:at] + text[at + 1:],
        lambda: text[:at] + r.choice("0123456789.,-+eE[]{}\"\\/ au") + text[at:],
        lambda: text[:at] + text[at:at + 3] + text[at:],
        lambda: text + r.choice(["0", "000", "e0", "e1", "e-1", ".0", ".5", " "])])()


def values_for(r, row):
    made = [json.dumps(row["default"])] + [json.dumps(c) for c in row["choices"]]
    for bound in (row["least"], row["most"]):
        if bound is not None:
            made += [json.dumps(bound + step) for step in (0, 0.001, -0.001, 0.0001, 1, -1)]
            made += [f"{bound / 1000}e3", f"{bound}0", f"[{bound}]", f"[{bound + 1}]"]
    made += SCRAPS
    return made + [mutated(r, r.choice(made)) for _ in range(ROUNDS)]


def test_every_value_is_judged_the_same(w):
    r = random.Random(20261123)
    rows = {row["key"]: row["type"] for row in table()}
    cases = [(row["key"], text) for row in table() for text in values_for(r, row)
             if "\n" not in text]
    ours = check("values", [f"{key}\t{text}" for key, text in cases])
    assert len(ours) == len(cases) > 5000
    theirs = w.rows(
        "SELECT x.v::text, CASE WHEN x.v IS NULL THEN 'no JSON' ELSE setting_fault(c.key, x.v) END,"
        " CASE WHEN left(c.ours, 1) <> '!' THEN c.ours::jsonb = x.v END"
        "  FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS c(key, text, ours, n),"
        " LATERAL (SELECT json_or_null(c.text) AS v) x ORDER BY c.n",
        [c[0] for c in cases], [c[1] for c in cases], ours)
    good = 0
    for (key, text), mine, (value, fault, same) in zip(cases, ours, theirs):
        if text.strip() == "null":
            continue  # to take a value back is no value (updateSettings)
        if rows[key] == "ZONE" and not mine.startswith("!") and fault:
            continue  # which zones exist only PostgreSQL knows
        assert mine.startswith("!") == (fault is not None), (key, text, mine, fault)
        assert same in (None, True), (key, text, mine, value)
        good += fault is None
    assert good > 500


TOGETHER = {"auto_kick": [True, False], "time_until_inactive": [86400, 604799.999, 604800, 2592000],
            "min_days": [1, 2, 7, 8, 30], "auto_prune_timer": [604800, 1209600],
            "warn_at.before_kick": [[], [604800], [604800.001, 700000], [2592000, 3600]],
            "tracked_channels.mode": ["all", "allow", "ignore"], "tracked_channels.ids": [[], ["5"]],
            "inactive_role": ["5", "6"], "active_role": ["5", "6"],
            "channel_archive_auto": ["off", "archive"], "channel_archive_category": ["7"],
            "report_schedule.every": ["week", "month"], "report_schedule.day": [7, 8, 28]}


def test_settings_together_are_judged_the_same(w):
    r = random.Random(20261124)
    signals = [row["key"] for row in table() if row["key"].startswith("signals.")]
    cases = []
    for n in range(1500):
        case = {key: r.choice(TOGETHER[key]) for key in r.sample(sorted(TOGETHER), r.randrange(13))}
        if n % 5 == 0:
            case.update((key, n % 10 == 0 and key == signals[n % len(signals)]) for key in signals)
        cases.append(json.dumps(case))
    ours = check("together", cases)
    theirs = w.rows("SELECT settings_faults(settings_of(%s) || c.v::jsonb)"
                    "  FROM unnest(%s::text[]) WITH ORDINALITY AS c(v, n) ORDER BY c.n",
                    w.guild, cases)
    seen = set()
    for case, mine, (faults,) in zip(cases, ours, theirs):
        keys = [fault.split(":")[0] for fault in faults]
        assert mine.split() == keys, (case, mine, faults)
        seen.update(keys)
    assert len(ours) == len(cases) and len(seen) == 8, seen
