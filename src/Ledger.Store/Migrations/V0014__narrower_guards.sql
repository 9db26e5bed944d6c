-- For: what the thief of the application's role could still do past the guards (docs/security.md): read their
-- words otherwise, put the log's low-water mark beyond what is under way, take a stream's last version.
-- Tried: GuardTests, ForgedRightsTests, EditedStateTests.

-- The low-water mark goes to where the fence stood, when all who were at work as it was put up have ended and every event
-- below it is in the log; whoever moves it. A fence knows by itself whom it waits for. Each statement sees what was
-- committed before it, which a transaction of one snapshot would not.
create or replace function ${schema}.refuse_shrinking() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'log_tile' then
        if (new.level, new.index) = (old.level, old.index)
           and substring(new.hashes for octet_length(old.hashes)) = old.hashes then return new; end if;
    elsif new.log_id = old.log_id and new.size >= old.size and new.low_water >= old.low_water
          and (new.size = old.size or new.size <= (select max(log_index) + 1 from ${schema}.log_entry))
          -- Never ahead of what was given out: events that come later would lie below it and never be sealed.
          and greatest(new.low_water, new.fence) <= (select last_value from ${schema}.mt_events_sequence)
          and current_setting('transaction_isolation') = 'read committed' then
        if new.low_water > old.low_water then
            if new.low_water is distinct from old.fence
               or exists (select from pg_locks where locktype = 'virtualxid' and virtualxid = any(old.fence_waits)) then
                raise exception 'the low-water mark is ahead of what is under way' using errcode = '42501';
            end if;
            -- Only now: what they left is there to see.
            if exists (select from ${schema}.mt_events e
                         -- "limit": by itself for each, never as a join over all entries.
                         left join lateral (select true as there from ${schema}.log_entry where seq = e.seq_id limit 1) l on true
                        where e.seq_id > old.low_water and e.seq_id <= new.low_water and l.there is null) then
                raise exception 'the low-water mark is ahead of the log' using errcode = '42501';
            end if;
        end if;
        if new.fence is not null and (new.fence is distinct from old.fence or old.fence_waits is null
                                      or new.fence_waits is distinct from old.fence_waits) then
            new.fence_waits := coalesce((select array_agg(virtualxid) from pg_locks
                                          where locktype = 'virtualxid' and pid <> pg_backend_pid()), '{}');
        end if;
        return new;
    end if;
    raise exception '% on %.% is refused: the log only grows', tg_op, tg_table_schema, tg_table_name
        using errcode = '42501';
end $$;
alter function ${schema}.refuse_shrinking() set enable_seqscan = off set jit = off;

-- As in V0009; and an event is its stream's next: one at the last version that there can be left no room for another, one after
-- a gap stood where a later one was to come.
create or replace function ${schema}.refuse_unwritten() returns trigger language plpgsql as $$
begin
    -- Null is no yes.
    if jsonb_typeof(new.data) = 'object' and new.version > 0 and new.mt_dotnet_type is not null
       and new.headers ->> 'region' ~ '^([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})$'
       and new.headers ->> 'effectiveDate' ~ '^2[0-9]{3}-[0-9]{2}-[0-9]{2}$'
       and (new.headers ->> 'effectiveDate')::pg_catalog.date is not null
       and new.timestamp >= '2000-01-01' and new.timestamp < '2200-01-01' then
    else
        raise exception 'event % on stream % has no body, place or day of an event', left(new.type, 100), left(new.stream_id, 200)
            using errcode = '42501';
    end if;
    if new.seq_id > 0 and new.seq_id <= pg_sequence_last_value('${schema}.mt_events_sequence'::pg_catalog.regclass)
       and new.version <= 2147483647 and not new.is_archived and new.tenant_id = '*DEFAULT*'
       and octet_length(new.stream_id) <= 200 and octet_length(new.type) <= 100
       and octet_length(new.mt_dotnet_type) <= 500
       and octet_length(coalesce(new.correlation_id, '')) <= 200 and octet_length(coalesce(new.causation_id, '')) <= 200
       and octet_length(new.data::pg_catalog.text) + octet_length(new.headers::pg_catalog.text) <= 60000
       and not new.data @? 'strict $.**{30}' and not new.headers @? 'strict $.**{30}' then
    else
        raise exception 'event % on stream % is beyond what the ledger takes', left(new.type, 100), left(new.stream_id, 200)
            using errcode = '42501';
    end if;
    if (new.stream_id ^@ 'account-' or new.stream_id ^@ 'policy-year-' or new.stream_id ^@ 'pilot-' or new.stream_id ^@ 'plan-'
        or new.stream_id ^@ 'collective-') and not new.headers ? 'seal' then
        raise exception 'event % on stream % is not sealed', new.type, new.stream_id using errcode = '42501';
    end if;
    if new.version > 1 and not exists (select from ${schema}.mt_events
                                            where stream_id = new.stream_id and version = new.version - 1) then
        raise exception 'event % is not the next of stream %', left(new.type, 100), left(new.stream_id, 200)
            using errcode = '42501';
    end if;
    return new;
end $$;

-- Up to which event, and until when, the states of a kind may be of the form before (StateShapes.cs): the owner writes it, at
-- the upgrade that changes the form. For a day nodes of both builds may be at work.
create table if not exists ${schema}.state_floor (
    type  text        primary key,
    shape text        not null,
    seq   bigint      not null,
    until timestamptz not null
);

-- Who handed in a document is sealed (EvidenceSeal.cs); what is there already counts, and nobody adds another of before.
alter table ${schema}.evidence add column if not exists seal text default 'before';
alter table ${schema}.evidence alter column seal drop default;
alter table ${schema}.evidence drop constraint if exists of_now_bounds;
alter table ${schema}.evidence add constraint of_now_bounds check (
    seal is distinct from 'before' and octet_length(seal) <= 100
    and media_type ~ '^[a-z]{1,20}/[a-z0-9.+-]{1,100}$' and octet_length(file_name) <= 1000
    and file_name !~ '[[:cntrl:]]') not valid;

-- What commands rest on is found by the events (Command.NamedByAsync), never by the documents beside them.
create index if not exists mt_events_joined
    on ${schema}.mt_events (coalesce(data ->> 'toCollectiveId', data ->> 'collectiveId'))
    where type in ('member_registered', 'membership_moved', 'departure_revoked');
create index if not exists mt_events_filed on ${schema}.mt_events ((data ->> 'collectiveId'))
    where type = 'application_filed';
create index if not exists mt_events_insurance on ${schema}.mt_events (stream_id) where type = 'insurance_checked';
create index if not exists mt_events_role_region on ${schema}.mt_events ((data ->> 'roleRegion'))
    where type in ('account_opened', 'account_changed', 'account_change_requested');
create index if not exists mt_events_delegation on ${schema}.mt_events ((data ->> 'to'))
    where type = 'delegation_granted';
create index if not exists mt_events_sponsorship on ${schema}.mt_events ((data ->> 'donorId'))
    where type = 'sponsorship_recorded';
alter index ${schema}.mt_events_joined alter column 1 set statistics 20;

-- A guard's words are the server's own, whatever types of that name somebody has made for his session.
do $$
declare f regprocedure;
begin
    for f in select oid from pg_proc where pronamespace = '${schema}'::regnamespace and prorettype = 'trigger'::regtype loop
        execute format('alter function %s set search_path = pg_catalog, pg_temp', f);
    end loop;
end $$;
