-- For: what V0007 looks at, at half its price. The server reads a trigger's WHEN from its stored form with each statement: 43 µs of a
-- posting's thousand; a function's IF it reads once a session: 20. And the log's look for the events of its new entries read all events
-- there are, once a round took in a few hundred (a hashed subplan, which the planner kept): now one walk down the index for each.
-- Tried: GuardTests; pgbench, one insert a transaction; perf over bench/run versus.

create or replace function ${schema}.refuse_unbounded() returns trigger language plpgsql as $$
begin
    -- Null is no yes.
    if new.seq_id > 0 and new.seq_id <= pg_sequence_last_value('${schema}.mt_events_sequence'::regclass)
       and new.version <= 2147483647 and not new.is_archived and new.tenant_id = '*DEFAULT*'
       and octet_length(new.stream_id) <= 200 and octet_length(new.type) <= 100
       and octet_length(new.mt_dotnet_type) <= 500
       and octet_length(coalesce(new.correlation_id, '')) <= 200 and octet_length(coalesce(new.causation_id, '')) <= 200
       and octet_length(new.data::text) + octet_length(new.headers::text) <= 60000
       and not new.data @? 'strict $.**{30}' and not new.headers @? 'strict $.**{30}' then
        return new;
    end if;
    raise exception 'event % on stream % is beyond what the ledger takes', left(new.type, 100), left(new.stream_id, 200)
        using errcode = '42501';
end $$;
create or replace trigger refuse_unbounded before insert on ${schema}.mt_events for each row
    execute function ${schema}.refuse_unbounded();

create or replace function ${schema}.refuse_gap() returns trigger language plpgsql
    set enable_seqscan = off set jit = off as $$
begin
    if (select count(*) > 0 and (max(a.log_index) - min(a.log_index) + 1 <> count(*)
               or min(a.log_index) <> (select size from ${schema}.log_state)
               or min(a.seq) <= (select low_water from ${schema}.log_state)
               or count(e.there) <> count(*))
          from added a
          -- "limit": by itself for each, never as a join over all events.
          left join lateral (select true as there from ${schema}.mt_events where seq_id = a.seq limit 1) e on true) then
        raise exception 'an entry that is not the log''s next' using errcode = '42501';
    end if;
    return null;
end $$;
