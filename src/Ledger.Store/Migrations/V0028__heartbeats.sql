-- For: a node that is ready has committed something a moment ago (Operation/Heartbeat.cs): one row for each, written every two seconds.
--   Half of each page is left free and the moment is in no index: a new version of a row lies beside the old one and is cleared away
--   without a vacuum (a heap-only tuple).
-- Tried: HeartbeatTests.
create table if not exists ${schema}.node_beat (
    node    text        primary key check (octet_length(node) <= 200), -- the machine's name, and a number for each start
    beat_at timestamptz not null
) with (fillfactor = 50);
