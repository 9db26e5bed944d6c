-- For: what happens is sent to other systems (Feeds/): how far each subscription has come, which node is at it, and what its last tries
--   came to. Whether it is sent at all, where to and since when its own events say: a row here opens nothing.
-- Tried: FeedTests, WebhookTests; two nodes and kills: bench/faults.
create table if not exists ${schema}.delivery_cursor (
    subscription_id text primary key check (octet_length(subscription_id) <= 100),
    position    bigint      not null check (position >= -1), -- of the log, the last that is delivered
    failures    int         not null default 0 check (failures >= 0),
    next_at     timestamptz not null default '2000-01-01',
    holder      uuid, -- the node that is at it, until its time is over
    until       timestamptz
);
create table if not exists ${schema}.delivery (
    subscription_id text        not null check (octet_length(subscription_id) <= 100),
    number          bigint      generated always as identity,
    at              timestamptz not null,
    first_position  bigint,
    last_position   bigint,
    entries         int         not null check (entries between 0 and 1000),
    status          int,
    milliseconds    int         not null,
    failure         text check (octet_length(failure) <= 500),
    primary key (subscription_id, number)
);
