-- For: nobody dates an event beyond the server's clock (docs/security.md): one of 2199 stopped the log's verifier for good. How far the
-- clocks of nodes and server may be apart, the tables' owner says alone (Ledger:ClockMarginMinutes, read by whoever brings the schema up
-- to date); a sample's clock runs ahead. And from which event on the product marks what it writes (EventSeal.cs, decision 016).
-- Tried: GuardTests, ForgedRefusalTests; on a database of the build before: GoldenDatabaseTests.
create table if not exists ${schema}.bound (
    name text primary key,
    value bigint not null
);
lock table ${schema}.mt_events in share row exclusive mode;
insert into ${schema}.bound
values ('clock-margin-minutes', 10),
       ('marked-from', (select coalesce(max(seq_id), 0) from ${schema}.mt_events)),
       -- For a day nodes of the build before may still write, without a mark.
       ('marked-since', case when exists (select from ${schema}.mt_events)
                             then extract(epoch from now() + interval '1 day')::bigint else 0 end)
    on conflict do nothing;

-- Who looked at what is set aside: two people (SetAside.cs); of before nobody wrote it down.
alter table ${schema}.set_aside
    add column if not exists one text check (octet_length(one) between 1 and 200),
    add column if not exists other text check (octet_length(other) between 1 and 200);

-- As in V0017; and of times.
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
                when (stream_id ^@ 'account-' or stream_id ^@ 'policy-year-' or stream_id ^@ 'pilot-'
                      or stream_id ^@ 'plan-' or stream_id ^@ 'collective-' or stream_id ^@ 'refusal-'
                      or type = 'command_refused') and not headers ? 'seal'
                then 'is not sealed'
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
