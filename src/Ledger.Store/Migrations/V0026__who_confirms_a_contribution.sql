-- For: whoever was named to confirm that a contribution is a mistake finds it among what waits for him (Tasks/TaskReader.cs). Over the
--   events that ask: an index over the member-years' states would keep each of their updates from staying on its page (V0015).
-- Tried: TaskTests.
create index if not exists mt_events_contribution_doubted on ${schema}.mt_events ((data ->> 'confirmBy')) where type = 'contribution_reversal_requested';
