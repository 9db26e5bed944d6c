-- For: the one box finds a person by part of a name or by the last four of the citizen id (Search/). Who is in a collective stands
--   sealed in lists of some hundreds, which the product opens and reads through (NameLists.cs): no hash of a name or of its parts lies
--   anywhere, whose frequencies would tell the names of a village. docs/security.md says what a list gives away.
-- Tried: SearchTests, with rows from before; the hourly look (PersonLook.cs) puts those into lists, the key being its own.

create table if not exists ${schema}.name_list (
    id            uuid  primary key,
    collective_id text  not null check (octet_length(collective_id) <= 100),
    box           bytea not null check (octet_length(box) <= 8000000)
);
alter table ${schema}.name_list alter column box set storage external; -- sealed bytes are no shorter for being packed
create index if not exists name_list_collective on ${schema}.name_list (collective_id);
alter table ${schema}.person add column if not exists list_id uuid; -- in which list the record stands
create index if not exists person_list on ${schema}.person (list_id) where list_id is not null;

-- Who looked for whom: what was asked by a keyed hash, who was shown by pseudonymous id. Only added to.
create table if not exists ${schema}.person_search (
    seq    bigint generated always as identity primary key,
    at     timestamptz not null default now(),
    actor  text  not null check (octet_length(actor) <= 200),
    role   text  not null check (octet_length(role) <= 100),
    region text  not null check (octet_length(region) <= 12),
    asked  bytea not null check (octet_length(asked) = 16),
    shown  text[] not null check (cardinality(shown) <= 20)
);
create index if not exists person_search_shown on ${schema}.person_search using gin (shown);
create index if not exists person_search_actor on ${schema}.person_search (actor, seq);

-- A record of a second village under one agency has no stream of its own: whose it is, the person's events say.
create index if not exists mt_events_own_record
    on ${schema}.mt_events ((data ->> 'recordId')) where type = 'member_registered' and data ->> 'recordId' is not null;

-- The number first: whoever looks for it does not know the fund, whoever books knows both.
create index if not exists mt_events_bank_numbers
    on ${schema}.mt_events (${schema}.plain_number(data ->> 'bankReference'), stream_id)
    where type in ('funds_paid', 'funds_returned', 'funds_refunded', 'bank_fee_charged', 'bank_fee_reimbursed');
drop index if exists ${schema}.mt_events_bank_number;

-- Of funds only: what moved in them are few among all that name an amount.
create index if not exists audit_entry_fund_amount on ${schema}.audit_entry (amount_fen, seq) where stream like 'fund-%';
