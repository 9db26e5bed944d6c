-- For: whom the product tells that something waits for him (Tasks/): how he wants it, in a box that only the product can fill (his e-mail
--   address is in it), when it is looked at next and by which node; and what was told.
-- Tried: NotificationTests.
create table if not exists ${schema}.notification_choice (
    account_id text        primary key check (octet_length(account_id) <= 200),
    choice     bytea       not null check (octet_length(choice) <= 4000),
    told_on    date, -- the day of the last digest
    failures   int         not null default 0 check (failures >= 0),
    next_at    timestamptz not null default '2000-01-01',
    holder     uuid, -- the node that is at it, until its time is over
    until      timestamptz
);
create table if not exists ${schema}.notification (
    account_id text        not null check (octet_length(account_id) <= 200),
    channel    text        not null check (channel in ('mail', 'gateway')),
    task_key   text        not null check (octet_length(task_key) <= 400),
    state      text        not null check (state in ('sent', 'failed')),
    tries      int         not null,
    at         timestamptz not null,
    failure    text check (octet_length(failure) <= 500),
    primary key (account_id, channel, task_key)
);
