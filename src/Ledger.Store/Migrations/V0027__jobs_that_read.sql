-- For: what reads long (exports, the tests of a year, check) is a job too: its answer is kept for some days, encrypted, for whoever asked.
--   Each attempt lays its pieces down under its own number: one that was overtaken by another node leaves nothing in the answer.
-- Tried: JobReadingTests; killed midway: JobCrashTests.
alter table ${schema}.job
    add column if not exists method text not null default 'POST' check (method in ('POST', 'GET')), -- GET: it reads, and its answer is kept
    add column if not exists accept text check (octet_length(accept) <= 200), -- in which form, where it can be asked for in several
    add column if not exists attempt int not null default 0,
    add column if not exists steps_done bigint not null default 0, -- what it counts is the reading's own: events, funds
    add column if not exists steps_total bigint,
    add column if not exists result_bytes bigint, -- null: there is no answer to fetch
    add column if not exists seen_at timestamptz; -- when whoever handed it in saw that it is over
alter table ${schema}.job_piece drop constraint if exists job_piece_kind_check;
alter table ${schema}.job_piece add constraint job_piece_kind_check check (kind in ('file', 'rows', 'result'));
create index if not exists job_untold on ${schema}.job (actor) where seen_at is null and state in ('done', 'failed');
