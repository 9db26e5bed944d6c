-- What the product keeps beside Marten's and Wolverine's own tables.
-- For: every database. One that an earlier build made has all or most of this already, so every statement may run again, and what an earlier
-- build left is tidied here. Later migrations need neither.
-- Tried: the golden databases of earlier builds (GoldenDatabaseTests); a second run changes nothing.

-- The first answer to each Idempotency-Key, for good. A key belongs to the caller who used it.
create table if not exists ${schema}.idempotency (
    actor       text        not null,
    key         text        not null,
    request     bytea       not null,   -- SHA-256 over method, path, query and body
    command     text        not null,
    status      int         not null default 0,
    headers     jsonb       not null default '{}',
    body        bytea       not null default '',
    recorded_at timestamptz not null default now(),
    primary key (actor, key)
);
-- From earlier builds: the refusals of whoever was not signed in, which nothing looks for any more, and the keys that all of them shared
-- (IdempotencyKey.Kept is the form they have now).
delete from ${schema}.idempotency where actor = 'public' and status >= 400;
update ${schema}.idempotency set key = 'request:' || encode(sha256(convert_to(key || chr(10), 'UTF8') || request), 'hex')
    where actor = 'public' and key not like 'request:%';

-- Personal data, encrypted under a key per person that is itself encrypted under the key-encryption key (see PersonalData.cs).
create table if not exists ${schema}.person (
    member_id   text        primary key,
    id_hash     bytea       not null unique,   -- HMAC-SHA256 of the citizen id: finds duplicates, reveals nothing
    wrapped_key bytea,                         -- null once erased
    data        bytea,
    recorded_at timestamptz not null default now()
);

-- Documents by the SHA-256 of their bytes, per region that handed them in.
create table if not exists ${schema}.evidence (
    digest      text        not null,
    region      text        not null,
    media_type  text        not null,
    file_name   text        not null,
    content     bytea       not null,
    uploaded_by text        not null,
    recorded_at timestamptz not null default now(),
    primary key (digest, region)
);
alter table ${schema}.evidence alter column content set storage external;   -- already compressed formats

-- Where an objection that waits for its answer came from: a keyed hash of application and address, never the address. So one address
-- cannot hold up a payment; the row goes with the answer (see Applications/Objecting.cs).
create table if not exists ${schema}.objection_source (
    objection_id text  primary key,
    source       bytea not null
);

create table if not exists ${schema}.audit_entry (
    seq            bigint      primary key,
    event_id       uuid        not null,
    stream         text        not null,
    version        int         not null,
    type           text        not null,
    recorded_at    timestamptz not null,
    effective_date date        not null,
    actor          text        not null,
    role           text        not null,
    region         text        not null,
    amount_fen     bigint,
    code           text,
    evidence       text[]      not null,
    ids            text[]      not null
);
create index if not exists audit_entry_actor    on ${schema}.audit_entry (actor, seq);
create index if not exists audit_entry_type     on ${schema}.audit_entry (type, seq);
create index if not exists audit_entry_recorded on ${schema}.audit_entry (recorded_at);
create index if not exists audit_entry_region   on ${schema}.audit_entry (region text_pattern_ops, seq);

-- In which entries an id is named, in their order: a page of a fund's thousands reads that page, where an index over ids would read the
-- thousands. By a hash, whoever looks compares the id itself. A trigger keeps it, so that a node of an earlier version keeps it too.
create table if not exists ${schema}.audit_entry_id (
    id_hash bigint not null,
    seq     bigint not null,
    primary key (id_hash, seq)
);
create or replace function ${schema}.keep_audit_ids() returns trigger language plpgsql as $$
begin
    insert into ${schema}.audit_entry_id (id_hash, seq) select hashtextextended(id, 0), seq from added, unnest(ids) id on conflict do nothing;
    return null;
end $$;
create or replace trigger keep_audit_ids after insert on ${schema}.audit_entry referencing new table as added for each statement execute function ${schema}.keep_audit_ids();
-- From before the table: once, while nobody can add.
insert into ${schema}.audit_entry_id (id_hash, seq)
    select hashtextextended(id, 0), seq from ${schema}.audit_entry, unnest(ids) id where to_regclass('${schema}.audit_entry_ids') is not null on conflict do nothing;
drop index if exists ${schema}.audit_entry_ids;

-- Where each fen came from and went to (Provenance/AxisEntry.cs): one row for each interval of an axis. The key is its start, so
-- that two intervals cannot begin at the same fen.
create table if not exists ${schema}.fen_axis (
    account        text   not null,            -- fund id/sub-account
    axis           text   not null,            -- in, out, line
    fen_from       bigint not null,
    fen_to         bigint not null check (fen_to > fen_from),
    kind           text   not null,
    reference      text   not null,
    origin_account text,
    origin_from    bigint,
    member_year    text,
    event_id       uuid   not null,
    primary key (account, axis, fen_from)
);
create unique index if not exists fen_axis_origin on ${schema}.fen_axis (origin_account, origin_from) where origin_account is not null;
create unique index if not exists fen_axis_allocation on ${schema}.fen_axis (reference) where kind = 'allocated';

-- A trace names the events of funds by their ids. Members' events, the many, have no part in it.
create unique index if not exists mt_events_fund_event on ${schema}.mt_events (id) where stream_id like 'fund-%';

-- A donor's gifts are found by the donor.
create index if not exists mt_events_gift on ${schema}.mt_events ((data ->> 'donorId')) where type = 'funds_allocated' and data ->> 'donorId' is not null;

-- Mergers and splits, of which there are few: who is one with whom (Collectives/Lineage.cs).
create index if not exists mt_events_succession on ${schema}.mt_events (stream_id, (data ->> 'intoCollectiveId')) where type in ('collective_merged', 'members_separated');
-- The same money booked twice (EarlierEntries.cs): a fund's entries by their slip, by a hash that is compared again; those few with several
-- slips by all of them; and by the bank's reference. A tax receipt by its reference, for whomever it was recorded.
create index if not exists mt_events_slip on ${schema}.mt_events (hashtextextended(stream_id || ' ' || (data -> 'evidence' ->> 0), 0))
    where type in ('funds_allocated', 'funds_paid', 'funds_returned', 'funds_refunded');
create index if not exists mt_events_slips on ${schema}.mt_events using gin ((data -> 'evidence'))
    where type in ('funds_allocated', 'funds_paid', 'funds_returned', 'funds_refunded') and jsonb_array_length(data -> 'evidence') > 1;
create index if not exists mt_events_bank_reference on ${schema}.mt_events (stream_id, upper(data ->> 'bankReference'))
    where type in ('funds_paid', 'funds_returned', 'funds_refunded');
create index if not exists mt_events_tax_reference on ${schema}.mt_events (hashtextextended(data ->> 'reference', 0)) where type = 'contribution_recorded';
-- Own payments that were taken out again, of which there are few (ChangedPayments.cs).
create index if not exists mt_events_contribution_reversed on ${schema}.mt_events (stream_id) where type = 'contribution_reversed';
-- Who was ever an administrator: a handful, asked whenever somebody's rights change.
create index if not exists mt_events_administrator on ${schema}.mt_events (stream_id)
    where type in ('account_opened', 'account_changed') and data ->> 'role' = 'administrator';

create index if not exists mt_doc_member_idx_memberships on ${schema}.mt_doc_member using gin ((data -> 'memberships'));

-- Who waits for a second person (MemberConfirmations.cs): few among all members.
create index if not exists mt_doc_member_idx_waiting on ${schema}.mt_doc_member (id)
    where data @? '$.requests.* ? (@.declined == false)' or data @? '$.deathReports[0]';

-- Whose subsidy is to be clawed back (C5, C6): few among all member-years.
drop index if exists ${schema}.mt_doc_memberyear_idx_clawback; -- asked for a payment, but not for an amount
create index if not exists mt_doc_memberyear_idx_claw_back on ${schema}.mt_doc_memberyear (id)
    where data @? '$.subsidies[0]' and (data @? '$.contributions[*] ? (@.kind == "catch-up")'
      or not data @? '$.contributions[*] ? (@.kind == "regular" && @.amountFen > 0)');

-- Who died or left: few among all members.
create index if not exists mt_doc_member_idx_gone on ${schema}.mt_doc_member (id) where data ->> 'diedOn' is not null or data ->> 'endedOn' is not null;

-- A stream's row is updated by every command on it: room on its page keeps the update out of the index.
alter table ${schema}.mt_streams set (fillfactor = 50);

-- Which key file this database belongs to: starting with another one must fail, not write what nobody can read.
create table if not exists ${schema}.key_check (
    only_row    boolean primary key default true check (only_row),
    fingerprint text    not null
);

-- From which builds the tables were made; the newest one that is there needs no further look.
create table if not exists ${schema}.schema_stamp (
    stamp      text        not null,
    applied_at timestamptz not null default clock_timestamp()
);

-- Which node runs the asynchronous projections, and until when unless it says so again; by this server's clock alone (see ProjectionService.cs).
create table if not exists ${schema}.lease (
    name   text        primary key,
    holder uuid        not null,
    until  timestamptz not null
);

-- In which shape the states beside the streams were written (see StateShapes.cs).
create table if not exists ${schema}.state_shape (
    type  text primary key,
    shape text not null
);

-- Storage that refuses change: what happened can be added to, never altered.
create or replace function ${schema}.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% on %.% is refused: the ledger is append-only', tg_op, tg_table_schema, tg_table_name using errcode = '42501';
end $$;

create or replace trigger refuse_change before update or delete on ${schema}.mt_events for each row execute function ${schema}.refuse_change();
create or replace trigger refuse_truncate before truncate on ${schema}.mt_events for each statement execute function ${schema}.refuse_change();
create or replace trigger refuse_change before update or delete on ${schema}.evidence for each row execute function ${schema}.refuse_change();
create or replace trigger refuse_truncate before truncate on ${schema}.evidence for each statement execute function ${schema}.refuse_change();

-- The transparency log (Projections/TransparencyLog): which event stands at which index, the tree's tiles, what was signed, what
-- witnesses signed, and what was found wrong.
create table if not exists ${schema}.log_state (
    only_row    boolean primary key default true check (only_row),
    log_id      text    not null default left(replace(gen_random_uuid()::text, '-', ''), 12),
    size        bigint  not null default 0,
    low_water   bigint  not null default 0,   -- every event up to this sequence number is in the log
    fence       bigint,                       -- see Sequencer.cs
    fence_waits text[]
);
insert into ${schema}.log_state default values on conflict do nothing;
create table if not exists ${schema}.log_entry (
    log_index bigint primary key,
    seq       bigint not null unique
);
create table if not exists ${schema}.log_tile (
    level  smallint not null,
    index  bigint   not null,
    hashes bytea    not null check (octet_length(hashes) between 32 and 8192 and octet_length(hashes) % 32 = 0),
    primary key (level, index)
);
alter table ${schema}.log_tile alter column hashes set storage external;   -- hashes do not compress
create table if not exists ${schema}.log_checkpoint (
    size      bigint      primary key,
    note      text        not null,
    signed_at timestamptz not null default clock_timestamp()
);
create table if not exists ${schema}.log_cosignature (
    size      bigint      not null references ${schema}.log_checkpoint,
    witness   text        not null,
    line      text        not null,
    signed_at timestamptz not null default clock_timestamp(),
    primary key (size, witness)
);
create table if not exists ${schema}.log_finding (
    found_at timestamptz not null default clock_timestamp(),
    kind     text        not null,
    detail   text        not null
);
create or replace function ${schema}.refuse_shrinking() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'log_tile' then
        if (new.level, new.index) = (old.level, old.index) and substring(new.hashes for octet_length(old.hashes)) = old.hashes then return new; end if;
    elsif new.log_id = old.log_id and new.size >= old.size and new.low_water >= old.low_water
          -- Never ahead of what was given out: events that come later would lie below it and never be sealed.
          and greatest(new.low_water, new.fence, new.size) <= (select last_value from ${schema}.mt_events_sequence) then
        return new;
    end if;
    raise exception '% on %.% is refused: the log only grows', tg_op, tg_table_schema, tg_table_name using errcode = '42501';
end $$;
-- A checkpoint of more than the log holds would take the place of one that is to come.
create or replace function ${schema}.refuse_ahead() returns trigger language plpgsql as $$
begin
    if new.size <= (select size from ${schema}.log_state) then return new; end if;
    raise exception 'a checkpoint of size % is ahead of the log', new.size using errcode = '42501';
end $$;
create or replace trigger refuse_ahead before insert on ${schema}.log_checkpoint for each row execute function ${schema}.refuse_ahead();
do $$
declare t text;
begin
    foreach t in array array['log_entry', 'log_checkpoint', 'log_cosignature', 'log_finding'] loop
        execute format('create or replace trigger refuse_change before update or delete on ${schema}.%I for each row execute function ${schema}.refuse_change()', t);
    end loop;
    foreach t in array array['log_tile', 'log_state'] loop
        execute format('create or replace trigger refuse_shrinking before update on ${schema}.%I for each row execute function ${schema}.refuse_shrinking()', t);
        execute format('create or replace trigger refuse_delete before delete on ${schema}.%I for each row execute function ${schema}.refuse_change()', t);
    end loop;
    foreach t in array array['log_entry', 'log_checkpoint', 'log_cosignature', 'log_finding', 'log_tile', 'log_state'] loop
        execute format('create or replace trigger refuse_truncate before truncate on ${schema}.%I for each statement execute function ${schema}.refuse_change()', t);
    end loop;
end $$;

-- An event that the log could not take must not be written: C2SP gives an entry's length in two bytes.
create or replace function ${schema}.refuse_oversize() returns trigger language plpgsql as $$
begin
    raise exception 'event % on stream % is too long for the log', new.type, new.stream_id using errcode = '54000';
end $$;
create or replace trigger refuse_oversize before insert on ${schema}.mt_events for each row when (pg_column_size(new.data) > 56000) execute function ${schema}.refuse_oversize();

-- Tables that only grow are found by their keys. What the planner wants to know of their columns fits in a small sample, and of bodies it
-- wants nothing; PostgreSQL's usual sample cost 1.5 s of a core each minute under load, and answers waited behind it.
do $$
declare
    a record;
begin
    for a in select attrelid::regclass as in_table, attname, atttypid in ('jsonb'::regtype, 'bytea'::regtype, 'text[]'::regtype) as is_body
               from pg_attribute
              where attrelid in ('${schema}.mt_events'::regclass, '${schema}.idempotency'::regclass, '${schema}.audit_entry'::regclass, '${schema}.audit_entry_id'::regclass, '${schema}.fen_axis'::regclass, '${schema}.log_entry'::regclass)
                and attnum > 0 and not attisdropped and coalesce(attstattarget, -1) = -1 loop
        execute format('alter table %s alter column %I set statistics %s', a.in_table, a.attname, case when a.is_body then 0 else 20 end);
    end loop;
end $$;
alter index ${schema}.mt_events_gift alter column 1 set statistics 20;
alter index ${schema}.mt_events_slip alter column 1 set statistics 20;
alter index ${schema}.mt_events_tax_reference alter column 1 set statistics 20;
