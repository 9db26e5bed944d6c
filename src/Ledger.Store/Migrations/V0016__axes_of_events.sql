-- For: intervals that no event can lay. Whoever had the application's role put one of a made-up kind among them, and the check, which
-- looks for such, stopped at it.
-- Tried: PlantedRowTests, CheckTests. The words are those of Axis and EntryKind: a new one comes with a new migration (PlantedRowTests).

alter table ${schema}.fen_axis drop constraint if exists of_now_bounds;
alter table ${schema}.fen_axis add constraint of_now_bounds check (
    axis in ('in', 'out', 'line')
    and kind in ('allocated', 'released', 'refunded', 'carried', 'freed', 'received', 'reserved', 'returned', 'moved', 'transferred',
                 'line')
    and fen_from between 0 and fen_to and fen_to <= 1000000000000000
    and (origin_from is null or origin_from between 0 and 1000000000000000)) not valid;

-- Where such rows lie the check names them (and the owner's check --rebuild takes them out); new ones are refused all the same.
do $$ begin
    alter table ${schema}.fen_axis validate constraint of_now_bounds;
exception when check_violation then null;
end $$;
