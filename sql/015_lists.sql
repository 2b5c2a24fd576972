-- What the lists of jobs and decisions need beside their tables.

CREATE INDEX job_due ON job (guild_id, due_at, job_id) WHERE finished_at IS NULL;
CREATE INDEX absence_from ON absence (guild_id, from_at, absence_id);

-- What speaks against the kick that a job is to do, as things stand now; names of enum Protection. It
-- is for people to read: whoever kicks looks again in the moment of kicking.
CREATE FUNCTION purge_protections(guild bigint, job bigint) RETURNS text[]
LANGUAGE sql STABLE AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN m.bot IS DISTINCT FROM false OR m.left_at IS NOT NULL THEN 'NOT_THERE' END,
        CASE WHEN EXISTS (SELECT FROM presence.exemption_in_force e
                           WHERE e.guild_id = j.guild_id AND e.target = 'USER'
                             AND e.target_id = j.user_id) THEN 'EXEMPT' END,
        CASE WHEN EXISTS (SELECT FROM presence.exemption_in_force e
                           WHERE e.guild_id = j.guild_id AND e.target = 'ROLE'
                             AND e.target_id = ANY (m.roles)) THEN 'EXEMPT_ROLE' END,
        CASE WHEN EXISTS (SELECT FROM presence.absence_in_force a
                           WHERE a.guild_id = j.guild_id AND a.user_id = j.user_id
                             AND a.from_at <= now() AND a.approved_at IS NOT NULL) THEN 'AWAY' END,
        CASE WHEN greatest(l.last_seen, l.present_until) >= j.created_at THEN 'SEEN_SINCE' END,
        CASE WHEN EXISTS (SELECT FROM presence.voice_session v
                           WHERE v.guild_id = j.guild_id AND v.user_id = j.user_id
                             AND v.to_at IS NULL) THEN 'IN_VOICE' END,
        CASE WHEN greatest(l.last_counted, l.present_until, m.joined_at) IS NULL
             THEN 'UNKNOWN' END,
        CASE WHEN j.expires_at <= now() THEN 'EXPIRED' END], NULL)
      FROM presence.job j
      LEFT JOIN presence.member m ON m.guild_id = j.guild_id AND m.user_id = j.user_id
      LEFT JOIN presence.last_seen l ON l.guild_id = j.guild_id AND l.user_id = j.user_id
     WHERE j.guild_id = purge_protections.guild AND j.job_id = purge_protections.job
$$;
