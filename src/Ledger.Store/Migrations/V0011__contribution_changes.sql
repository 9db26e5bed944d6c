-- For: contributions that were adjusted or refunded (L15), few among all, are found with those taken out again
-- (ChangedPayments.cs); and their tax references with those of payments (MemberImports.cs).
-- Tried: ContributionChangeTests.
drop index if exists ${schema}.mt_events_contribution_reversed;
create index if not exists mt_events_contribution_changed on ${schema}.mt_events (stream_id)
    where type in ('contribution_reversed', 'contribution_adjusted', 'contribution_refunded');
create index if not exists mt_events_tax_change_number
    on ${schema}.mt_events (hashtextextended(${schema}.plain_number(data ->> 'reference'), 0))
    where type in ('contribution_adjusted', 'contribution_refunded');
