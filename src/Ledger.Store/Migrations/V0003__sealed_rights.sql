-- For: nobody but the product gives rights, sets rules, or brings back what was used or has ended (docs/security.md).
-- Tried: ForgedRightsTests, CredentialTests; on a database of the build before: GoldenDatabaseTests.

-- Events of accounts, policy years, pilots, plans and collectives are sealed (EventSeal.cs). How far each of their streams went before
-- there were seals is written here, once; the application's role may not. A node of a build from before cannot change them any more,
-- instead of writing what nobody would believe.
lock table ${schema}.mt_events in share row exclusive mode;
create table ${schema}.seal_floor (
    stream_id text   primary key,
    version   bigint not null
);
insert into ${schema}.seal_floor select stream_id, max(version) from ${schema}.mt_events
 where stream_id ^@ 'account-' or stream_id ^@ 'policy-year-' or stream_id ^@ 'pilot-' or stream_id ^@ 'plan-' or stream_id ^@ 'collective-'
 group by 1;
create function ${schema}.refuse_unsealed() returns trigger language plpgsql as $$
begin
    raise exception 'event % on stream % is not sealed', new.type, new.stream_id using errcode = '42501';
end $$;
create trigger refuse_unsealed before insert on ${schema}.mt_events for each row
    when ((new.stream_id ^@ 'account-' or new.stream_id ^@ 'policy-year-' or new.stream_id ^@ 'pilot-' or new.stream_id ^@ 'plan-'
           or new.stream_id ^@ 'collective-') and (new.headers ? 'seal') is not true)
    execute function ${schema}.refuse_unsealed();

-- What was good once and has been used, and sessions that have ended (Spent.cs): added, and not taken out before its time.
create table ${schema}.spent (
    what  text        not null,
    at    timestamptz not null,
    until timestamptz not null,
    primary key (what, at)
);
create function ${schema}.refuse_early() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and old.until < clock_timestamp() then return old; end if;
    raise exception '% on %.% is refused: it is not over', tg_op, tg_table_schema, tg_table_name using errcode = '42501';
end $$;
create trigger refuse_early before update or delete on ${schema}.spent
    for each row execute function ${schema}.refuse_early();
