-- What all mutations share. Each is one function presence.<name>(a jsonb, caller text): `a` holds the
-- arguments as the schema typed them (src/graphql/value_json.c), `caller` is the name of the token.
-- It leaves its result in the setting presence.result of its transaction, from which the next
-- statement reads what the client selected. What the caller can do something about is a result with
-- a code, not an error:
--
--     OK, CONFLICT (it stands otherwise than the caller thinks), NOT_FOUND, INVALID (a value), LIMIT

-- A guild's lane, as route_lane of include/presence/route.h.
CREATE FUNCTION route_mix_times(x bigint, factor numeric) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT (CASE WHEN p >= 9223372036854775808 THEN p - 18446744073709551616 ELSE p END)::bigint
      FROM (SELECT (CASE WHEN x < 0 THEN x + 18446744073709551616 ELSE x END * factor)
                   % 18446744073709551616 AS p) y
$$;

CREATE FUNCTION guild_lane(guild bigint) RETURNS smallint
LANGUAGE plpgsql IMMUTABLE SET search_path = presence, pg_temp AS $$
DECLARE
    x bigint := guild # (guild >> 33 & 2147483647);
BEGIN
    x := route_mix_times(x, 18397679294719823053);
    x := x # (x >> 33 & 2147483647);
    x := route_mix_times(x, 14181476777654086739);
    x := x # (x >> 33 & 2147483647);
    RETURN (x & 63)::smallint;
END $$;

-- Functions that run queries are in plpgsql although one statement would do: it keeps their plans.

-- --- results ----------------------------------------------------------------------------------

CREATE FUNCTION write_result(code text, errors text[], keys jsonb) RETURNS jsonb
LANGUAGE sql AS $$
    SELECT set_config('presence.result',
                      (jsonb_build_object('code', code, 'errors', errors, 'repeated', false)
                       || keys)::text, true)::jsonb
$$;

-- true: go on. false: it was done before; the result is that of the first time.
CREATE FUNCTION write_begin(in_operation text, guild bigint, a jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    r presence.request;
BEGIN
    PERFORM presence.lock_guild(guild);
    IF coalesce(a->'requestId', 'null') = 'null' THEN
        RETURN true;
    END IF;
    SELECT * INTO r FROM presence.request q
     WHERE q.guild_id = guild AND q.request_id = (a->>'requestId')::bigint
       AND q.operation = in_operation;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    IF r.fingerprint <> hashtextextended((a - 'requestId')::text, 0) THEN
        PERFORM presence.write_result('CONFLICT', ARRAY[format(
            'requestId: %s was asked for with other arguments under this id', in_operation)], '{}');
    ELSE
        PERFORM set_config('presence.result', (r.result || '{"repeated": true}')::text, true);
    END IF;
    RETURN false;
END $$;

CREATE FUNCTION write_keep(operation text, guild bigint, a jsonb, result jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(a->'requestId', 'null') = 'null' THEN
        RETURN;
    END IF;
    INSERT INTO presence.request (guild_id, request_id, operation, fingerprint, result)
    VALUES (guild, (a->>'requestId')::bigint, operation,
            hashtextextended((a - 'requestId')::text, 0), result);
END $$;

-- Nothing was changed. `errors` name the argument and what was expected.
CREATE FUNCTION write_refuse(operation text, guild bigint, a jsonb, code text, errors text[],
                             keys jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM presence.write_keep(operation, guild, a, presence.write_result(code, errors, keys));
END $$;

-- Done. detail: what the audit log keeps of it; by default the arguments. forgotten: whom it must not
-- name as the actor.
CREATE FUNCTION write_end(operation text, guild bigint, a jsonb, caller text, keys jsonb,
                          detail jsonb DEFAULT NULL, forgotten bigint DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM presence.write_keep(operation, guild, a, presence.write_result('OK', '{}', keys));
    INSERT INTO presence.audit (guild_id, operation, caller, actor_id, request_id, detail)
    VALUES (guild, operation, caller, nullif((a->>'actorId')::bigint, forgotten),
            (a->>'requestId')::bigint, coalesce(detail, a - '{actorId,requestId}'::text[]));
END $$;

CREATE FUNCTION no_guild(guild bigint) RETURNS text[]
LANGUAGE sql AS $$
    SELECT ARRAY[format('guildId: %s is not known', presence.snowflake(guild))]
$$;

-- Called now and then by presence-graphqld.
CREATE FUNCTION forget_requests() RETURNS void
LANGUAGE sql AS $$
    DELETE FROM presence.request WHERE at < now() - interval '7 days'
$$;

-- --- lists of input objects ---------------------------------------------------------------------

-- NULL, or what is wrong with the length of a list.
CREATE FUNCTION list_fault(a jsonb, name text, most integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE WHEN jsonb_array_length(a->name) BETWEEN 1 AND most THEN NULL
                ELSE format('%s: expected 1 to %s entries, not %s', name, most,
                            jsonb_array_length(a->name)) END;
END $$;

CREATE FUNCTION text_fault(a jsonb, name text, most integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE WHEN length(a->>name) > most
                THEN format('%s: expected at most %s characters, not %s', name, most,
                            length(a->>name)) END;
END $$;

CREATE FUNCTION ids_of(list jsonb) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE WHEN jsonb_typeof(list) = 'array'
                THEN translate(list::text, '[] ', '{}')::bigint[] END;
END $$;
