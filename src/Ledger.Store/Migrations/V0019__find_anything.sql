-- For: the one box finds a person by whole name or by the last four of the citizen id, money by the bank's reference or the amount
--   (Search/, docs/security.md says what these hashes reveal). Both hashes are under a key, and of one collective each: a village's two
--   people of one name are seen to be that, a county's hundred are not.
-- Tried: SearchTests, with rows from before; the hourly look (PersonLook.cs) fills those, the key being its own.

alter table ${schema}.person add column if not exists name_hash bytea, add column if not exists four_hash bytea;
create index if not exists person_name on ${schema}.person (name_hash) where name_hash is not null;
create index if not exists person_four on ${schema}.person (four_hash) where four_hash is not null;

-- The number first: whoever looks for it does not know the fund, whoever books knows both.
create index if not exists mt_events_bank_numbers
    on ${schema}.mt_events (${schema}.plain_number(data ->> 'bankReference'), stream_id)
    where type in ('funds_paid', 'funds_returned', 'funds_refunded', 'bank_fee_charged', 'bank_fee_reimbursed');
drop index if exists ${schema}.mt_events_bank_number;

-- Of funds only: what moved in them are few among all that name an amount.
create index if not exists audit_entry_fund_amount on ${schema}.audit_entry (amount_fen, seq) where stream like 'fund-%';
