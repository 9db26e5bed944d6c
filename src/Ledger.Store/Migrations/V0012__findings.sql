-- For: of whom the agency's list has found something that stops a payment (L19), few among all, are found for the
-- supervision list without reading every member.
-- Tried: InsuranceCheckTests.
create index if not exists mt_doc_member_idx_found on ${schema}.mt_doc_member (id)
    where data #>> '{insurance,finding}' in ('pension-in-payment', 'employees-scheme', 'deceased');
