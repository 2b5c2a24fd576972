-- Least rights for the role with which presence-graphqld serves. `presence-graphqld --migrate`, which
-- runs with the owner's rights, calls grant_service for the user of [graphqld] conninfo each time.
-- Whoever makes a table says here (or in a migration of its own, with INSERT INTO service_right) what
-- the service may do with it; unless it is said, it may read it.

CREATE TABLE service_right (
    relation text PRIMARY KEY,
    rights   text NOT NULL               -- NONE, or a list for GRANT
);
INSERT INTO service_right VALUES
    ('lane', 'SELECT, INSERT, UPDATE'), ('lane_session', 'SELECT, INSERT, UPDATE'),
    ('gateway_session', 'SELECT, INSERT, UPDATE'), ('guild', 'SELECT, INSERT, UPDATE'),
    ('member', 'SELECT, INSERT, UPDATE'), ('last_seen', 'SELECT, INSERT, UPDATE, DELETE'),
    ('channel', 'SELECT, INSERT, UPDATE'), ('role', 'SELECT, INSERT, UPDATE'),
    ('activity', 'SELECT, INSERT, UPDATE, DELETE'),
    ('voice_session', 'SELECT, INSERT, UPDATE, DELETE'),
    ('coverage', 'SELECT, INSERT, UPDATE'),
    ('setting', 'SELECT, INSERT, UPDATE, DELETE'), ('setting_history', 'SELECT, INSERT'),
    ('request', 'SELECT, INSERT, DELETE'), ('audit', 'INSERT'),
    ('guild_reset', 'SELECT, INSERT, UPDATE'), ('exemption', 'SELECT, INSERT, UPDATE, DELETE'),
    ('absence', 'SELECT, INSERT, UPDATE'), ('decision', 'SELECT, INSERT'),
    ('job', 'SELECT, INSERT, UPDATE'), ('job_event', 'SELECT, INSERT'),
    ('service_right', 'NONE'), ('erasure', 'NONE');

-- Everything that was granted before is taken back first. Functions with the owner's rights are
-- taken from PUBLIC where they are made.
CREATE FUNCTION grant_service(service name) RETURNS void
LANGUAGE plpgsql SET search_path = presence, pg_temp AS $$
DECLARE
    r record;
BEGIN
    EXECUTE format('REVOKE ALL ON SCHEMA presence FROM %I', service);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA presence FROM %I', service);
    EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA presence FROM %I', service);
    EXECUTE format('GRANT USAGE ON SCHEMA presence TO %I', service);
    -- Of partitions only the parent is named in statements.
    FOR r IN SELECT c.relname, coalesce(s.rights, 'SELECT') AS rights
               FROM pg_catalog.pg_class c LEFT JOIN service_right s ON s.relation = c.relname
              WHERE c.relnamespace = 'presence'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
                AND NOT c.relispartition AND coalesce(s.rights, 'SELECT') <> 'NONE' LOOP
        EXECUTE format('GRANT %s ON presence.%I TO %I', r.rights, r.relname, service);
    END LOOP;
    FOR r IN SELECT p.oid::regprocedure AS f FROM pg_catalog.pg_proc p
              WHERE p.pronamespace = 'presence'::regnamespace AND p.proname <> 'grant_service' LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', r.f, service);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION grant_service FROM PUBLIC;
