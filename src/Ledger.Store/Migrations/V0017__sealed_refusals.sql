-- For: nobody invents what an official was refused (docs/security.md). What the product records of a refusal is sealed as the events of
-- accounts and rules are (V0003, EventSeal.cs); how far each stream went that has refusals from before is written here, once. A node of a
-- build from before cannot record a refusal any more, instead of writing what nobody would believe.
-- Tried: ForgedRefusalTests; on a database of the build before: GoldenDatabaseTests.
lock table ${schema}.mt_events in share row exclusive mode;
insert into ${schema}.seal_floor
select stream_id, max(version) from ${schema}.mt_events
 where (stream_id ^@ 'refusal-' or type = 'command_refused') and not coalesce(headers ? 'seal', false)
 group by 1
    on conflict do nothing;

-- And from which event on the times of events have to be in turn (InTurn.cs): clocks that went wrong before are nobody's forgery.
insert into ${schema}.seal_floor select '', coalesce(max(seq_id), 0) from ${schema}.mt_events on conflict do nothing;

-- As in V0015; and of refusals, too.
create or replace function ${schema}.refuse_unwritten() returns trigger language plpgsql
    set enable_seqscan = off set jit = off set search_path = pg_catalog, pg_temp as $$
declare refused record;
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
