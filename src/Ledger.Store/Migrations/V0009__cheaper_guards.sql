-- For: what V0003, V0004 and V0007 look at in an event, at a third of their price. The server reads a trigger's WHEN from its stored form
-- with each statement, and a function's IF once a session. And the log's look for the events of its new entries read all events there
-- are, once a round took in a few hundred (a hashed subplan, which the session kept): now one walk down the index for each.
-- Tried: GuardTests, ForgedRightsTests, ForgedReadingTests; perf over bench/run versus.

-- An event as the product writes it: of a body, place and day that can be, within what the log, the trail and the readers take (C2SP gives
-- an entry's length in two bytes; what is stored may be compressed, so it counts by its text), and sealed where it gives rights.
create or replace function ${schema}.refuse_unwritten() returns trigger language plpgsql as $$
begin
    -- Null is no yes.
    if jsonb_typeof(new.data) = 'object' and new.version > 0 and new.mt_dotnet_type is not null
       and new.headers ->> 'region' ~ '^([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})$'
       and new.headers ->> 'effectiveDate' ~ '^2[0-9]{3}-[0-9]{2}-[0-9]{2}$' and (new.headers ->> 'effectiveDate')::date is not null
       and new.timestamp >= '2000-01-01' and new.timestamp < '2200-01-01' then
    else
        raise exception 'event % on stream % has no body, place or day of an event', left(new.type, 100), left(new.stream_id, 200)
            using errcode = '42501';
    end if;
    if new.seq_id > 0 and new.seq_id <= pg_sequence_last_value('${schema}.mt_events_sequence'::regclass)
       and new.version <= 2147483647 and not new.is_archived and new.tenant_id = '*DEFAULT*'
       and octet_length(new.stream_id) <= 200 and octet_length(new.type) <= 100
       and octet_length(new.mt_dotnet_type) <= 500
       and octet_length(coalesce(new.correlation_id, '')) <= 200 and octet_length(coalesce(new.causation_id, '')) <= 200
       and octet_length(new.data::text) + octet_length(new.headers::text) <= 60000
       and not new.data @? 'strict $.**{30}' and not new.headers @? 'strict $.**{30}' then
    else
        raise exception 'event % on stream % is beyond what the ledger takes', left(new.type, 100), left(new.stream_id, 200)
            using errcode = '42501';
    end if;
    if (new.stream_id ^@ 'account-' or new.stream_id ^@ 'policy-year-' or new.stream_id ^@ 'pilot-' or new.stream_id ^@ 'plan-'
        or new.stream_id ^@ 'collective-') and not new.headers ? 'seal' then
        raise exception 'event % on stream % is not sealed', new.type, new.stream_id using errcode = '42501';
    end if;
    return new;
end $$;
create or replace trigger refuse_unwritten before insert on ${schema}.mt_events for each row
    execute function ${schema}.refuse_unwritten();
drop trigger if exists refuse_unbounded on ${schema}.mt_events;
drop trigger if exists refuse_unreadable on ${schema}.mt_events;
drop trigger if exists refuse_unsealed on ${schema}.mt_events;
drop function if exists ${schema}.refuse_unbounded(), ${schema}.refuse_unreadable(), ${schema}.refuse_unsealed();

-- As in V0007.
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
