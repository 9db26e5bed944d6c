-- For: what an outsider got past on 2026-11-28 with the application's role (docs/security.md): rows of the trail for events that are to
-- come, keys of the search record that are to be given out, what looks like a search, boxes of names without end. And a node of a build
-- without marks (before V0020) cannot book on beneath a forged event: the database takes no event of money or people without a mark.
-- Tried: PlantedRowTests, GuardTests, SearchTests; on a database of the build before: GoldenDatabaseTests.
lock table ${schema}.mt_events in share row exclusive mode;
insert into ${schema}.bound
select 'mark-asked-from', coalesce(max(seq_id), 0) from ${schema}.mt_events
    on conflict do nothing;
delete from ${schema}.bound where name = 'marked-since';

-- As in V0020; and of marks.
create or replace function ${schema}.refuse_unwritten() returns trigger language plpgsql
    set enable_seqscan = off set jit = off set search_path = pg_catalog, pg_temp as $$
declare refused record;
declare latest timestamptz := clock_timestamp() + make_interval(mins => (
    select value from ${schema}.bound where name = 'clock-margin-minutes')::int);
begin
    select * into refused
      from (select type, stream_id, case
                -- Null is no yes.
                when (jsonb_typeof(data) = 'object' and version > 0 and mt_dotnet_type is not null
                      and length(headers ->> 'region') in (4, 6, 9, 12)
                      and translate(headers ->> 'region', '0123456789', '') = ''
                      and headers ->> 'effectiveDate' like '2___-__-__'
                      and translate(headers ->> 'effectiveDate', '0123456789', '') = '--'
                      and (headers ->> 'effectiveDate')::pg_catalog.date is not null
                      and timestamp >= '2000-01-01' and timestamp < '2200-01-01') is not true
                then 'has no body, place or day of an event'
                when (seq_id > 0
                      and seq_id <= (select pg_sequence_last_value('${schema}.mt_events_sequence'::pg_catalog.regclass))
                      and version <= 2147483647 and not is_archived and tenant_id = '*DEFAULT*'
                      and octet_length(stream_id) <= 200 and octet_length(type) <= 100
                      and octet_length(mt_dotnet_type) <= 500
                      and octet_length(coalesce(correlation_id, '')) <= 200
                      and octet_length(coalesce(causation_id, '')) <= 200
                      and octet_length(data::pg_catalog.text) + octet_length(headers::pg_catalog.text) <= 60000
                      and not data @? 'strict $.**{30}' and not headers @? 'strict $.**{30}') is not true
                then 'is beyond what the ledger takes'
                when case when stream_id ^@ 'account-' or stream_id ^@ 'policy-year-' or stream_id ^@ 'pilot-'
                            or stream_id ^@ 'plan-' or stream_id ^@ 'collective-' or stream_id ^@ 'refusal-'
                            or type = 'command_refused'
                          then headers ? 'seal' else headers ? 'mark' end is not true
                then 'is not sealed or marked'
                when (timestamp <= latest) is not true
                then 'is dated ahead of the server''s clock'
                -- "limit": by itself for each, never as a join over all events.
                when version > 1 and (select true from ${schema}.mt_events before
                                       where before.stream_id = added.stream_id
                                         and before.version = added.version - 1 limit 1) is null
                then 'is not the next of its stream'
            end as why from added) event
     where why is not null
     limit 1;
    if found then
        raise exception 'event % on stream % %', left(refused.type, 100), left(refused.stream_id, 200), refused.why
            using errcode = '42501';
    end if;
    return null;
end $$;

-- An entry of the trail is of an event that is there, and tells of it what the event says: whoever adds one first would keep the true one
-- out. A header that is no text is told as the product reads it.
create or replace function ${schema}.refuse_untold() returns trigger language plpgsql
    set enable_seqscan = off set jit = off set search_path = pg_catalog, pg_temp as $$
declare wrong bigint;
begin
    select seq into wrong
      from added
     where (select true
              from ${schema}.mt_events e
             where e.seq_id = added.seq and e.id = added.event_id and coalesce(e.stream_id, '') = added.stream
               and least(e.version, 2147483647) = added.version and e.timestamp = added.recorded_at
               and (jsonb_typeof(e.headers -> 'actor') is distinct from 'string' or e.headers ->> 'actor' = added.actor)
               and (jsonb_typeof(e.headers -> 'role') is distinct from 'string' or e.headers ->> 'role' = added.role)
               and (jsonb_typeof(e.headers -> 'region') is distinct from 'string'
                    or e.headers ->> 'region' = added.region)
             limit 1) is null
     limit 1;
    if found then
        raise exception 'an entry of the trail that is of no event: %', wrong using errcode = '42501';
    end if;
    return null;
end $$;
create or replace trigger refuse_untold after insert on ${schema}.audit_entry referencing new table as added
    for each statement execute function ${schema}.refuse_untold();
-- What lies ahead keeps out what is to come.
delete from ${schema}.audit_entry where seq > (select coalesce(max(seq_id), 0) from ${schema}.mt_events);

-- Who looked for whom is sealed (SearchRecord.cs); its time and number are the server's (R__rights.sql).
alter table ${schema}.person_search add column if not exists id uuid,
                                    add column if not exists seal text default 'before';
alter table ${schema}.person_search alter column seal drop default;
alter table ${schema}.person_search drop constraint if exists seal_bounds;
alter table ${schema}.person_search add constraint seal_bounds
    check (seal is distinct from 'before' and id is not null and octet_length(seal) <= 100) not valid;
create unique index if not exists person_search_id on ${schema}.person_search (id);

-- A list of names is as long as the product writes one (NameLists.cs). People of longer ones get into others with the next look.
with longer as (delete from ${schema}.name_list where octet_length(box) > 262172 returning id)
update ${schema}.person set list_id = null where list_id in (select id from longer);
alter table ${schema}.name_list drop constraint if exists box_bounds;
alter table ${schema}.name_list add constraint box_bounds
    check (octet_length(box) <= 262172 and octet_length(box) % 1024 = 28) not valid;
