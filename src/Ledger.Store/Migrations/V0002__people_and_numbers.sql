-- For: numbers of banks, tax office and receipts are compared in one spelling, and corrections of people are found.
-- Tried: comparing upper(…) alone, as before, misses what earlier builds stored with spaces, full width or other dashes.

-- As DocumentNumber.Canonical does (CorrectionTests holds the two together).
create or replace function ${schema}.plain_number(number text) returns text language sql immutable strict parallel safe as $$
    select upper(regexp_replace(regexp_replace(normalize(number, NFKC),
        '[[:space:]\u0085\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u180e'
        '\u2000-\u200f\u2028-\u202f\u205f-\u2064\u2066-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb'
        '\U000e0001-\U000e007f\U000e0100-\U000e01ef]', '', 'g'),
        '[\u058a\u05be\u1400\u1806\u2010-\u2015\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0\ufe58\ufe63\uff0d]',
        '-', 'g'))
$$;

-- The same money booked twice (EarlierEntries.cs), one tax receipt for two people (MemberImports.cs), one receipt of the agency for two
-- applications (Crediting.cs).
drop index if exists ${schema}.mt_events_bank_reference;
create index if not exists mt_events_bank_number on ${schema}.mt_events (stream_id, ${schema}.plain_number(data ->> 'bankReference'))
    where type in ('funds_paid', 'funds_returned', 'funds_refunded');
drop index if exists ${schema}.mt_events_tax_reference;
create index if not exists mt_events_tax_number
    on ${schema}.mt_events (hashtextextended(${schema}.plain_number(data ->> 'reference'), 0)) where type = 'contribution_recorded';
create index if not exists mt_events_receipt_number
    on ${schema}.mt_events (hashtextextended(${schema}.plain_number(data ->> 'receiptNumber'), 0)) where type = 'subsidy_credited';
alter index ${schema}.mt_events_tax_number alter column 1 set statistics 20;
alter index ${schema}.mt_events_receipt_number alter column 1 set statistics 20;

-- What the events say of a person's record after a correction (PersonLook.cs).
create index if not exists mt_events_corrected on ${schema}.mt_events using gin ((data -> 'records') jsonb_path_ops)
    where type = 'member_corrected';

-- Who waits for a second person (MemberConfirmations.cs), corrections and revocations as well: few among all members.
drop index if exists ${schema}.mt_doc_member_idx_waiting;
create index if not exists mt_doc_member_idx_waits on ${schema}.mt_doc_member (id)
    where data @? '$.requests.* ? (@.declined == false)' or data @? '$.deathReports[0]' or data @? '$.waiting[0]';
