-- For: people of one name and birth date are found by a keyed hash (PersonalData.cs): opening the records of all members
--   took 1.1 to 1.8 s for each form of a village of 20,000.
-- Tried: CorrectionTests, with rows from before; the hourly look (PersonLook.cs) fills those, the keys being its own.

alter table ${schema}.person add column if not exists namesake_hash bytea;
create index if not exists person_namesake on ${schema}.person (namesake_hash) where namesake_hash is not null;
create index if not exists person_without_namesake on ${schema}.person (member_id)
    where namesake_hash is null and wrapped_key is not null and member_id like 'member-%';
