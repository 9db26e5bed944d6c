-- For: a fund's bank fees (L17), few among its events, are found without its whole stream: the same one twice is asked
-- about.
-- Tried: BankFeeTests.
create index if not exists mt_events_bank_fee on ${schema}.mt_events (stream_id)
    where type in ('bank_fee_charged', 'bank_fee_reimbursed');
