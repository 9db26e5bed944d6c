-- For: what an approval of ten thousand lines and a group of postings pay in the server. An event's guard read its words row by
-- row (15 µs of the 31 that an event took); once for all rows of a statement it takes 9. A state or a stream's version that
-- changes found no room on its page, and an index over the body kept it from staying there: each update wrote all indexes anew.
-- Tried: GuardTests, ForgedRightsTests, ForgedReadingTests; 10,000 member-years 310 ms before, 190 after (bench/README.md).

-- As in V0014, of all rows of a statement at once; digits without a pattern, which is compiled for each row.
drop trigger if exists refuse_unwritten on ${schema}.mt_events;
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
                      or stream_id ^@ 'plan-' or stream_id ^@ 'collective-') and not headers ? 'seal'
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
create trigger refuse_unwritten after insert on ${schema}.mt_events referencing new table as added
    for each statement execute function ${schema}.refuse_unwritten();

-- Whose subsidy is to be clawed back (C5, C6) is found by the events: who paid for past years or was paid for. Whose payment was
-- taken back or changed has an index already (V0011).
create index if not exists mt_events_not_regular on ${schema}.mt_events (stream_id)
    where type = 'contribution_recorded' and data ->> 'kind' <> 'regular';
drop index if exists ${schema}.mt_doc_memberyear_idx_claw_back;

-- Room for one more of each: where no index has to change, a new version stays on its page, and the next takes the old one's place.
alter table ${schema}.mt_doc_memberyear set (fillfactor = 50);
alter table ${schema}.mt_streams set (fillfactor = 50);
