-- For: the payments that are on hold (L7), few among many applications, are found without reading every roster: for
-- the township's queue and the supervision list.
-- Tried: CommitteeTests.
create index if not exists mt_doc_application_idx_held on ${schema}.mt_doc_application (region text_pattern_ops)
    where data #>> '{hold,on}' is not null;
