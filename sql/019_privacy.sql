-- What a person may ask for: everything that is held about him, and that it be erased.

-- The columns of a table for that, ids as text as everywhere in the API.
CREATE FUNCTION personal_columns(relation text) RETURNS text
LANGUAGE sql STABLE SET search_path = presence, pg_temp AS $$
    SELECT string_agg(CASE WHEN a.atttypid = 'bigint'::regtype AND a.attname !~ '_ms$'
                           THEN format('snowflake(%1$I) AS %1$I', a.attname)
                           WHEN a.atttypid = 'bigint[]'::regtype
                           THEN format('ARRAY(SELECT snowflake(x) FROM unnest(%1$I) x) AS %1$I', a.attname)
                           ELSE quote_ident(a.attname) END, ', ' ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a
     WHERE a.attrelid = to_regclass('presence.' || quote_ident(relation)) AND a.attnum > 0
       AND NOT a.attisdropped
$$;

-- Its primary key, for the last rows first.
CREATE FUNCTION personal_order(relation text) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT string_agg(format('t.%I DESC', a.attname), ', ' ORDER BY k.n)
      FROM pg_catalog.pg_index i, unnest(i.indkey) WITH ORDINALITY k(attnum, n)
      JOIN pg_catalog.pg_attribute a ON a.attnum = k.attnum
     WHERE i.indisprimary AND a.attrelid = i.indrelid
       AND i.indrelid = to_regclass('presence.' || quote_ident(relation))
$$;

-- By table, all rows about the user in the guild: the same that an erasure would delete. Of one table
-- the last 20,000 by its key; `cut` names tables that hold more.
CREATE FUNCTION personal_data(g bigint, u bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = presence, pg_temp AS $$
DECLARE
    most constant integer := 20000;
    e    erasure;
    rows jsonb;
    data jsonb := '{}';
    cut  jsonb := '[]';
BEGIN
    FOR e IN SELECT * FROM erasure x WHERE x.type = 'MEMBER' ORDER BY x.relation LOOP
        EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(r))), ''[]'')'
                       '  FROM (SELECT %s FROM presence.%I t WHERE %s ORDER BY %s LIMIT %s) r',
                       personal_columns(e.relation), e.relation, e.condition,
                       personal_order(e.relation), most + 1)
           INTO rows USING g, u;
        IF jsonb_array_length(rows) > most THEN
            rows := rows - most;
            cut := cut || to_jsonb(e.relation);
        END IF;
        data := data || jsonb_build_object(e.relation, rows);
    END LOOP;
    RETURN jsonb_build_object('guild', snowflake(g), 'user', snowflake(u), 'at', now(), 'cut', cut,
                              'data', data);
END $$;
REVOKE EXECUTE ON FUNCTION personal_data FROM PUBLIC;

-- forgetMember: what was recorded goes; what Discord itself shows of a member stays while he is one.
-- Who asked for it is the member, and of him nothing is kept in the audit log either.
CREATE FUNCTION forget_member(a jsonb, caller text) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    g     bigint := (a->>'guildId')::bigint;
    u     bigint := (a->>'userId')::bigint;
    fault text[];
    done  jsonb;
BEGIN
    IF NOT write_begin('forgetMember', g, a) THEN
        RETURN;
    END IF;
    fault := hard_reset_fault(jsonb_build_object('type', 'MEMBER', 'guildId', g), g, u);
    IF fault IS NOT NULL THEN
        PERFORM write_refuse('forgetMember', g, a, fault[1],
                             ARRAY['userId: nothing is known of it'], '{"cascade": []}');
        RETURN;
    END IF;
    done := erase('MEMBER', g, u, true, false);
    PERFORM tell('MEMBER_DELETED', g, u);
    PERFORM write_end('forgetMember', g, a, caller, jsonb_build_object('cascade', done), '{}', u);
END $$;
