-- For: one row that somebody wrote past the product does not stop the log, a look or a reader for good.
-- Tried: GuardTests, the rows of the attack of 2026-11-27, as the application's role and from before this script.

-- An event within what the log, the trail and the readers take: a number that was given out, a version that fits, and
-- a body by its text, for what is stored may be compressed. C2SP gives an entry's length in two bytes: 60,000 of body
-- and headers leave the other columns theirs, every character of them escaped.
create or replace function ${schema}.refuse_unbounded() returns trigger language plpgsql as $$
begin
    raise exception 'event % on stream % is beyond what the ledger takes', left(new.type, 100), left(new.stream_id, 200)
        using errcode = '42501';
end $$;
create or replace trigger refuse_unbounded before insert on ${schema}.mt_events for each row when (not coalesce(
        new.seq_id > 0 and new.seq_id <= pg_sequence_last_value('${schema}.mt_events_sequence'::regclass)
    and new.version <= 2147483647 and not new.is_archived and new.tenant_id = '*DEFAULT*'
    and octet_length(new.stream_id) <= 200 and octet_length(new.type) <= 100
    and octet_length(new.mt_dotnet_type) <= 500
    and octet_length(coalesce(new.correlation_id, '')) <= 200 and octet_length(coalesce(new.causation_id, '')) <= 200
    and octet_length(new.data::text) + octet_length(new.headers::text) <= 60000
    and not new.data @? 'strict $.**{30}' and not new.headers @? 'strict $.**{30}', false))
    execute function ${schema}.refuse_unbounded();
-- It saw the compressed size of one column.
drop trigger if exists refuse_oversize on ${schema}.mt_events;
drop function if exists ${schema}.refuse_oversize();

-- The log's next indexes, of events that it has still to take in: its next round takes them, whoever wrote them.
create or replace function ${schema}.refuse_gap() returns trigger language plpgsql
    set enable_seqscan = off set jit = off as $$
begin
    if exists (select from added having count(*) > 0 and (max(log_index) - min(log_index) + 1 <> count(*)
               or min(log_index) <> (select size from ${schema}.log_state)))
       or exists (select from added a where a.seq <= (select low_water from ${schema}.log_state)
                  or not exists (select from ${schema}.mt_events e where e.seq_id = a.seq)) then
        raise exception 'an entry that is not the log''s next' using errcode = '42501';
    end if;
    return null;
end $$;
create or replace trigger refuse_gap after insert on ${schema}.log_entry referencing new table as added
    for each statement execute function ${schema}.refuse_gap();

-- As before (V0001); the size is what there is of entries: an event of a made-up number from before counts as well.
create or replace function ${schema}.refuse_shrinking() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'log_tile' then
        if (new.level, new.index) = (old.level, old.index)
           and substring(new.hashes for octet_length(old.hashes)) = old.hashes then return new; end if;
    elsif new.log_id = old.log_id and new.size >= old.size and new.low_water >= old.low_water
          and (new.size = old.size or new.size <= (select max(log_index) + 1 from ${schema}.log_entry))
          -- Never ahead of what was given out: events that come later would lie below it and never be sealed.
          and greatest(new.low_water, new.fence) <= (select last_value from ${schema}.mt_events_sequence) then
        return new;
    end if;
    raise exception '% on %.% is refused: the log only grows', tg_op, tg_table_schema, tg_table_name
        using errcode = '42501';
end $$;

-- One line of a witness cannot keep the place of another that is true.
alter table ${schema}.log_cosignature drop constraint if exists log_cosignature_pkey;
create unique index if not exists log_cosignature_line on ${schema}.log_cosignature (size, witness, md5(line));

-- Of a time that no reader can read, from before: no build wrote such a row. The trail's entry is missed and mended by
-- check; the session opened nothing.
delete from ${schema}.audit_entry where not (recorded_at >= '2000-01-01' and recorded_at < '9000-01-01'
                                             and effective_date >= '2000-01-01' and effective_date < '9000-01-01');
delete from accounts."Sessions"
 where least("StartedAt", "UsedAt", "ExpiresAt", "EndedAt") < '2000-01-01'
    or greatest("StartedAt", "UsedAt", "ExpiresAt", "EndedAt") >= '9000-01-01';
update accounts."AspNetUsers" set "LockoutEnd" = null
 where not ("LockoutEnd" >= '2000-01-01' and "LockoutEnd" < '9000-01-01');

-- Findings as the product writes them, and times that every reader can read. What is there already stays.
do $$
declare r record;
begin
    for r in select * from (values
            ('${schema}.log_finding', 'can_be', 'kind ~ ''^[a-z-]{1,40}$'' and octet_length(detail) <= 8000'
             -- Now: an earlier one would push out the first that are shown, a later one the last.
             || ' and found_at between now() - interval ''1 hour'' and now() + interval ''1 hour'''),
            ('${schema}.log_cosignature', 'can_be', 'octet_length(witness) <= 1000 and octet_length(line) <= 1000'
             || ' and line ~ ''^— [^[:cntrl:]]+$'''),
            ('${schema}.log_checkpoint', 'can_be', 'octet_length(note) <= 65536'),
            -- A document is found by its digest: another one would keep its place.
            ('${schema}.evidence', 'can_be', 'digest = encode(sha256(content), ''hex'')')) t (tab, name, can_be)
        union all
        select t.tab, col, format('%1$I >= ''2000-01-01'' and %1$I < ''9000-01-01''', col)
          from (values ('${schema}.audit_entry', array['recorded_at', 'effective_date']),
                       ('${schema}.log_checkpoint', array['signed_at']),
                       ('${schema}.log_cosignature', array['signed_at']),
                       ('${schema}.evidence', array['recorded_at']),
                       ('${schema}.idempotency', array['recorded_at']),
                       ('accounts."AspNetUsers"', array['LockoutEnd']),
                       ('accounts."Sessions"', array['StartedAt', 'UsedAt', 'ExpiresAt', 'EndedAt']))
               t (tab, cols), unnest(cols) col loop
        execute format('alter table %s drop constraint if exists %I', r.tab, r.name || '_bounds');
        execute format('alter table %s add constraint %I check (%s) not valid', r.tab, r.name || '_bounds', r.can_be);
    end loop;
end $$;
-- Whole: rebuild makes the table anew, with all of it.
alter table ${schema}.audit_entry validate constraint recorded_at_bounds;
alter table ${schema}.audit_entry validate constraint effective_date_bounds;
