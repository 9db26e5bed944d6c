-- For: what the product found is told from what somebody wrote among it (docs/security.md): a finding is sealed (Findings.cs), and those
-- without a seal are counted, not shown. What is there already counts, and nobody adds another of before.
-- Tried: GuardTests.
alter table ${schema}.log_finding add column if not exists seal text default 'before';
alter table ${schema}.log_finding alter column seal drop default;
alter table ${schema}.log_finding drop constraint if exists seal_bounds;
alter table ${schema}.log_finding add constraint seal_bounds
    check (seal is distinct from 'before' and octet_length(seal) <= 100) not valid;

-- For: an event that nobody wrote through the product and that stops a fund, an application or a person for good can be set aside by the
-- tables' owner (SetAside.cs, docs/operations.md); the application's role reads which, and adds none.
-- Tried: SetAsideTests.
create table if not exists ${schema}.set_aside (
    seq_id bigint primary key,
    reason text not null check (octet_length(reason) between 1 and 1000),
    at timestamptz not null default now()
);
