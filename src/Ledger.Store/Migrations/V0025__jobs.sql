-- For: a long import is done as a job (Jobs/): what was handed in, by whom, how far it has come, which node is at it.
--   What it may do is said by the row's seal and the boxes' keys, which are not here: an edited row does nothing in another's name.
-- Tried: JobTests; killed at random rows: JobCrashTests, bench/run jobs.
create table if not exists ${schema}.job (
    id          text primary key check (octet_length(id) <= 100),
    kind        text        not null check (octet_length(kind) <= 100),
    actor       text        not null check (octet_length(actor) <= 400),
    role        text        not null check (octet_length(role) <= 100),
    region      text        not null check (octet_length(region) <= 20),
    on_behalf_of text       check (octet_length(on_behalf_of) <= 400),
    path        text        not null check (octet_length(path) <= 8000), -- with its query, as it was asked
    trace       text        not null check (octet_length(trace) <= 200),
    digest      text        not null check (octet_length(digest) = 64), -- SHA-256 of the file
    bytes       bigint      not null,
    seal        text        not null check (octet_length(seal) <= 100),
    state       text        not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
    cancelled_by text       check (octet_length(cancelled_by) <= 400),
    layout      text        check (octet_length(layout) <= 100000), -- where the columns stand
    part_rows   int[], -- how many rows each part has: each part is a command; null: not read yet
    parts_checked int       not null default 0,
    parts_done  int         not null default 0,
    result      text        not null default '{}' check (octet_length(result) <= 4000000),
    holder      uuid, -- the node that is at it, until its time is over
    until       timestamptz,
    created_at  timestamptz not null default clock_timestamp(),
    started_at  timestamptz,
    ended_at    timestamptz
);
create index if not exists job_open on ${schema}.job (created_at) where state in ('waiting', 'running');
create index if not exists job_newest on ${schema}.job (created_at desc);
create table if not exists ${schema}.job_piece (
    job_id      text  not null references ${schema}.job on delete cascade,
    kind        text  not null check (kind in ('file', 'rows')),
    part        int   not null,
    number      int   not null,
    box         bytea not null, -- AES-256-GCM: rows and files hold names and citizen ids
    primary key (job_id, kind, part, number)
);
