-- evolve-repeat-always: tables of Marten and Wolverine may be new with any build, and the role is a setting.
-- For: what the application's role may do.
-- Tried: RoleRightsTests, table by table.

-- The application's role owns nothing. It reads, adds, and changes what is derived from the events; what is a record of its own, the trail and
-- the fen's intervals it can only add to: check --rebuild, which mends those, goes as the owner.
do $$
begin
    -- Another ledger's role on the same server has no business here.
    execute format('revoke connect on database %I from public', current_database());
    execute format('grant connect on database %I to ${application}', current_database());
end $$;
grant usage on schema ${schema}, wolverine, accounts to ${application};
grant select on all tables in schema ${schema} to ${application};
grant select, insert, update, delete on all tables in schema wolverine, accounts to ${application};
grant usage, select on all sequences in schema ${schema}, wolverine, accounts to ${application};
-- What it may change of the ledger's tables, one by one. docs/security.md says for each what goes wrong when a thief of this role does it, and who notices
-- (RoleRightsTests): a table that is new here is new there.
revoke insert, update, delete, truncate on all tables in schema ${schema} from ${application};
-- Without its number and its time, which are the server's.
grant insert (id, actor, role, region, asked, shown, seal) on ${schema}.person_search to ${application};
do $$
declare r record;
begin
    for r in select t.name, g.rights
               from (values ('insert', array['mt_events', 'evidence', 'idempotency', 'audit_entry', 'audit_entry_id', 'fen_axis', 'log_entry', 'log_checkpoint', 'log_cosignature', 'log_finding']),
                            ('insert, delete', array['objection_source', 'spent', 'delivery', 'job_piece']),
                            ('insert, update', array['mt_streams', 'person', 'log_tile', 'state_shape']),
                            ('update', array['log_state']),
                            ('insert, update, delete', array['lease', 'node_beat', 'name_list', 'delivery_cursor', 'notification_choice', 'notification', 'job', 'mt_event_progression', 'mt_event_projection_floors', 'mt_high_water_skips'])) g (rights, names),
                    unnest(g.names) t (name)
             union all
             select relname, 'insert, update, delete' from pg_class where relnamespace = '${schema}'::regnamespace and relkind = 'r' and relname like 'mt\_doc\_%' loop
        execute format('grant %s on ${schema}.%I to ${application}', r.rights, r.name);
    end loop;
end $$;
