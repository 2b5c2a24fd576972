"""Channels, the log of activity, heatmap, daily counts, history of settings, health: every figure
against what was recorded."""

import datetime
import time
import zoneinfo

import pytest

import reads
from reads import CHANNELS, COUNTED, DAY, GUILD, HOUR, MINUTE, MODEL, NOW, OTHER, USERS
from test_graphqld import stamp


@pytest.fixture(scope="module")
def world():
    with reads.world() as made:
        yield made


def since(days):
    """Acts of a counting kind of so many days; none lies within a minute of a whole day."""
    return [a for a in COUNTED if a.at >= NOW - days * DAY]


# --- channels -------------------------------------------------------------------------------------

@pytest.mark.parametrize("days", [7, 30, 90, 400])
def test_what_was_done_in_a_channel(world, days):
    want = {}
    for c in CHANNELS:
        acts = [a for a in since(days) if a.channel == c]
        want[c] = {"people": len({a.user for a in acts}), "acts": str(sum(a.count for a in acts)),
                   "messages": str(sum(a.count for a in acts if a.kind == "MESSAGE")),
                   "lastActAt": stamp(max(a.at for a in acts)) if acts else None}
    one = "{ id activity(days: %d) { people acts messages lastActAt } }" % days
    got = world.read(f"""{{ channels(guildId: "{GUILD}") {{ nodes {one} }}
      guild(id: "{GUILD}") {{ channels {{ nodes {one} }} }}
      channel(guildId: "{GUILD}", channelId: "{CHANNELS[1]}") {one} }}""")
    assert {n["id"]: n["activity"] for n in got["channels"]["nodes"]} == want
    assert got["guild"]["channels"] == got["channels"]
    assert got["channel"]["activity"] == want[CHANNELS[1]]


def minutes_passed():
    return int(time.time() * 1000 - NOW) // MINUTE


def test_time_in_voice(world):
    """What lies before the days asked for is cut off; who is still there is as long as that is sure."""
    least = minutes_passed()
    got = world.read(f"""{{ channels(guildId: "{GUILD}") {{ nodes {{ id a: voice(days: 7) {{ people minutes }}
      b: voice(days: 30) {{ people minutes }} }} }} }}""")["channels"]["nodes"]
    by_id = {n["id"]: (n["a"], n["b"]) for n in got}
    none = {"people": 0, "minutes": "0"}
    assert by_id[CHANNELS[0]] == (none, none)
    week, month = by_id[CHANNELS[1]]
    assert month == {"people": 2, "minutes": "140"}
    # the minutes that have passed since the records were made are cut off as well
    assert week["people"] == 2
    assert 80 - minutes_passed() - 1 <= int(week["minutes"]) <= 80 - least


def test_which_channels(world):
    def ids(arguments):
        nodes = reads.pages(world.read, "channels", f'guildId: "{GUILD}", {arguments}', "{ id }", 2)
        assert nodes == reads.pages(world.read, "channels", f'guildId: "{GUILD}", {arguments}', "{ id }",
                                    2, forward=False)
        return [n["id"] for n in nodes]

    beta, alpha, gamma = CHANNELS
    assert ids("orderBy: ID") == [beta, alpha, gamma]
    assert ids("orderBy: NAME") == [alpha, beta, gamma]
    assert ids("orderBy: NAME, direction: DESC") == [gamma, beta, alpha]
    assert ids("orderBy: POSITION") == [gamma, beta, alpha]
    assert ids("filter: {gone: true}") == ["700000000000000009"]
    assert ids('filter: {name: "ALP"}') == [alpha]
    assert ids('filter: {parentId: "1"}') == []
    assert ids("filter: {types: [5, 0]}") == [beta, alpha, gamma]
    world.pg.execute("INSERT INTO setting (guild_id, key, value, version)"
                     " VALUES (%s, 'ignored_channels', %s::jsonb, 1)", (GUILD, f'["{beta}", "5"]'))
    assert ids("filter: {ignored: true}") == [beta] and ids("filter: {ignored: false}") == [alpha, gamma]
    world.pg.execute("DELETE FROM setting WHERE key = 'ignored_channels'")
    assert ids("filter: {ignored: true}") == []
    assert ids("filter: {types: [2]}") == ids("filter: {types: []}") == []
    assert ids("filter: {quietDays: 90}") == [gamma]
    people = {c: len({a.user for a in since(90) if a.channel == c}) for c in CHANNELS}
    for least in range(1, 10):
        assert set(ids(f"filter: {{quietDays: 90, minPeople: {least}}}")) == {
            c for c in CHANNELS if people[c] < least}


def test_the_time_of_the_last_message(world):
    got = world.read(f'{{ channels(guildId: "{GUILD}", first: 1) {{ nodes {{ lastMessageAt }} }}'
                     f' gone: channel(guildId: "{GUILD}", channelId: "700000000000000009")'
                     ' { lastMessageAt } }')
    assert got["channels"]["nodes"] == [
        {"lastMessageAt": stamp((1400000000000000000 >> 22) + 1420070400000)}]
    assert got["gone"] == {"lastMessageAt": None}


@pytest.mark.parametrize("selection, want", [
    ("__typename", {"__typename": "ChannelConnection"}),
    ("pageInfo { __typename }", {"pageInfo": {"__typename": "PageInfo"}}),
    ("pageInfo { hasPreviousPage }", {"pageInfo": {"hasPreviousPage": False}}),
    ("nodes { __typename }", {"nodes": [{"__typename": "Channel"}] * 3}),
    ("edges { __typename }", {"edges": [{"__typename": "ChannelEdge"}] * 3}),
    ("totalCount pageInfo { __typename }", {"totalCount": 3, "pageInfo": {"__typename": "PageInfo"}}),
], ids=str)
def test_whatever_is_selected_of_a_page(world, selection, want):
    assert world.read(f'{{ channels(guildId: "{GUILD}") {{ {selection} }} }}')["channels"] == want


# --- the log --------------------------------------------------------------------------------------

@pytest.mark.parametrize("condition, keep", [
    ("", lambda a: True),
    (f'userId: "{USERS[2]}"', lambda a: a.user == USERS[2]),
    (f'channelId: "{CHANNELS[0]}"', lambda a: a.channel == CHANNELS[0]),
    ("kinds: [COMMAND, TYPING]", lambda a: a.kind in ("COMMAND", "TYPING")),
    (f'since: "{stamp(NOW - 50 * DAY + 7)}", until: "{stamp(NOW - 9 * DAY)}"',
     lambda a: NOW - 50 * DAY <= a.at <= NOW - 9 * DAY),
], ids=["all", "member", "channel", "kinds", "times"])
def test_the_log(world, condition, keep):
    want = [{"guildId": GUILD, "userId": a.user, "channelId": a.channel, "kind": a.kind,
             "count": a.count, "firstAt": stamp(a.at), "lastAt": stamp(a.at)}
            for a in sorted(MODEL, key=lambda a: a.at) if keep(a)]
    assert want
    selection = "{ guildId userId channelId kind count firstAt lastAt }"
    for direction in ("DESC", "ASC"):
        arguments = f'guildId: "{GUILD}", filter: {{{condition}}}, direction: {direction}'
        assert reads.pages(world.read, "activity", arguments, selection, 70) == (
            want if direction == "ASC" else want[::-1])
        assert reads.pages(world.read, "activity", arguments, selection, 70, forward=False) == (
            want if direction == "ASC" else want[::-1])


def test_a_cursor_belongs_to_its_list(world):
    cursor = world.read(f'{{ activity(guildId: "{GUILD}", first: 1) {{ pageInfo {{ endCursor }} }} }}')[
        "activity"]["pageInfo"]["endCursor"]
    for field, guild in (("channels", GUILD), ("activity", OTHER), ("settingHistory", GUILD)):
        answer = world.ask(f'query ($c: String) {{ {field}(guildId: "{guild}", after: $c) {{ totalCount'
                           ' nodes { __typename } } }', {"c": cursor})
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", field


# --- when ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns", "Europe/Berlin"])
@pytest.mark.parametrize("arguments, keep", [
    ("days: 90", lambda a: a.kind != "TYPING"),
    ("days: 90, kinds: [TYPING, MESSAGE]", lambda a: a.kind in ("TYPING", "MESSAGE")),
    (f'days: 90, userId: "{USERS[1]}", channelId: "{CHANNELS[0]}"',
     lambda a: a.kind != "TYPING" and a.user == USERS[1] and a.channel == CHANNELS[0]),
], ids=["all", "kinds", "member"])
def test_hours_of_the_week(world, zone, arguments, keep):
    acts, people = {}, {}
    for a in MODEL:
        if keep(a) and a.at >= NOW - 90 * DAY:
            t = datetime.datetime.fromtimestamp(a.at / 1000, zoneinfo.ZoneInfo(zone))
            hour = (t.isoweekday(), t.hour)
            acts[hour] = acts.get(hour, 0) + a.count
            people.setdefault(hour, set()).add(a.user)
    got = world.read(f'{{ heatmap(guildId: "{GUILD}", timeZone: "{zone}", {arguments})'
                     ' { weekday hour acts people } }')["heatmap"]
    assert got == [{"weekday": d, "hour": h, "acts": str(acts.get((d, h), 0)),
                    "people": len(people.get((d, h), ()))} for d in range(1, 8) for h in range(24)]


@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns"])
def test_calendar_days(world, zone):
    info = zoneinfo.ZoneInfo(zone)
    got = world.read(f'{{ dailyCounts(guildId: "{GUILD}", days: 35, timeZone: "{zone}")'
                     ' { day from acts messages people } service { now } }')
    today = datetime.datetime.fromisoformat(got["service"]["now"][:-1] + "+00:00").astimezone(info)
    want = []
    for n in range(34, -1, -1):
        day = today.date() - datetime.timedelta(days=n)
        acts = [a for a in COUNTED
                if datetime.datetime.fromtimestamp(a.at / 1000, info).date() == day]
        begin = datetime.datetime.combine(day, datetime.time(), info).timestamp()
        want.append({"day": str(day), "from": stamp(int(begin * 1000)),
                     "acts": str(sum(a.count for a in acts)),
                     "messages": str(sum(a.count for a in acts if a.kind == "MESSAGE")),
                     "people": len({a.user for a in acts})})
    assert got["dailyCounts"] == want


def test_how_much_of_it_was_watched(world):
    """Presence has been watching for twenty days: until the last thing recorded, later than the lease."""
    got = world.read(f"""{{ dailyCounts(guildId: "{GUILD}", days: 30) {{ observedMs }}
      heatmap(guildId: "{GUILD}", days: 30) {{ observedMs }}
      tokyo: heatmap(guildId: "{GUILD}", days: 30, timeZone: "Asia/Tokyo") {{ observedMs }} }}""")
    for list_ in got.values():
        assert sum(int(e["observedMs"]) for e in list_) == 20 * DAY
    days = [int(d["observedMs"]) for d in got["dailyCounts"]]
    assert days[:8] == [0] * 8 and days.count(DAY) in (19, 20)


@pytest.mark.parametrize("arguments, text", [
    ("days: 0", "days: expected 1 to 400"), ("days: 401", "days: expected 1 to 400"),
    ('timeZone: "Mars/Olympus"', "timeZone: expected a name such as Europe/Berlin"),
    ('timeZone: "UTC+3"', "timeZone: expected a name such as Europe/Berlin"),
    ('timeZone: ""', "timeZone: expected a name such as Europe/Berlin")])
@pytest.mark.parametrize("field, column", [("heatmap", "hour"), ("dailyCounts", "from")])
def test_what_nobody_may_ask(world, field, column, arguments, text):
    answer = world.ask(f'{{ {field}(guildId: "{GUILD}", {arguments}) {{ {column} }} }}')
    assert answer["errors"][0]["message"] == text
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_what_was_before_a_soft_reset_is_as_if_unknown(world):
    at = NOW - 7 * DAY
    acts = [a for a in COUNTED if a.at >= at]
    count = str(sum(a.count for a in acts))
    with world.reset_at(at):
        got = world.read(f"""{{ heatmap(guildId: "{GUILD}", days: 90) {{ acts }}
          dailyCounts(guildId: "{GUILD}", days: 90) {{ acts }}
          activity(guildId: "{GUILD}") {{ totalCount }}
          channels(guildId: "{GUILD}") {{ nodes {{ activity(days: 90) {{ people }}
            voice(days: 90) {{ minutes }} }} }} }}""")
    assert got["activity"]["totalCount"] == len([a for a in MODEL if a.at >= at])
    for field in ("heatmap", "dailyCounts"):
        assert str(sum(int(e["acts"]) for e in got[field])) == count
    for channel, node in zip(CHANNELS, got["channels"]["nodes"]):
        assert node["activity"]["people"] == len({a.user for a in acts if a.channel == channel})
    assert got["channels"]["nodes"][1]["voice"]["minutes"] == "80"


# --- settings, service -----------------------------------------------------------------------------

def test_the_history_of_settings(world):
    want = [{"version": v, "key": k, "oldValue": None, "newValue": str(v)}
            for v in range(4, 0, -1) for k in ("voice_tick", "mode") if v > 1 or k == "mode"]
    selection = "{ version key oldValue newValue }"
    assert reads.pages(world.read, "settingHistory", f'guildId: "{GUILD}"', selection, 3) == want
    assert reads.pages(world.read, "settingHistory",
                       f'guildId: "{GUILD}", filter: {{key: "mode"}}, direction: ASC', selection,
                       3) == [w for w in want[::-1] if w["key"] == "mode"]
    world.pg.execute("INSERT INTO setting_history (guild_id, version, key, changed_at, changed_by) VALUES"
                     " (%s, 9, 'mode', now() + interval '1 day', %s)", (GUILD, USERS[2]))
    try:
        since = stamp(NOW + 6 * HOUR)
        for filter in (f'{{changedBy: "{USERS[2]}"}}', f'{{since: "{since}"}}'):
            assert [w["version"] for w in reads.pages(world.read, "settingHistory", f'guildId: "{GUILD}", '
                                                      f"filter: {filter}", selection, 3)] == [9]
        assert not reads.pages(world.read, "settingHistory", f'guildId: "{GUILD}", filter: {{key: "voice_tick",'
                               f' since: "{since}"}}', selection, 3)
    finally:
        with world.pg.connect() as c, c.cursor() as cursor:
            cursor.execute("SET presence.erasing = on")
            cursor.execute("DELETE FROM setting_history WHERE version = 9")
    got = world.read(f'{{ guild(id: "{GUILD}") {{ settingHistory {{ totalCount }} }} }}')
    assert got["guild"]["settingHistory"]["totalCount"] == len(want)


def test_health(world):
    got = world.read("{ service { health watchedUntil database sessions { session shard shards"
                     " startedAt resumes resumedAt watchedUntil } } }")["service"]
    assert got["database"].split(".")[0].isdigit()
    assert got["watchedUntil"] == stamp(NOW - MINUTE)
    assert got["sessions"] == [
        {"session": "1", "shard": 0, "shards": 1, "startedAt": stamp(NOW - 20 * DAY), "resumes": 0,
         "resumedAt": None, "watchedUntil": stamp(NOW - MINUTE)}]


def test_health_follows_the_lease(graphqld, pg):
    def health():
        return graphqld.query("{ service { health } }")["data"]["service"]["health"]

    assert health() == "BLIND"
    pg.execute("INSERT INTO gateway_session (session, shard, shards, watched_until)"
               " VALUES (1, 0, 1, now())")
    assert health() == "WATCHING"
    pg.execute("UPDATE gateway_session SET watched_until = now() - interval '61 s'")
    assert health() == "BLIND"
    pg.execute("UPDATE gateway_session SET watched_until = now(), ended_at = now()")
    assert health() == "BLIND"
