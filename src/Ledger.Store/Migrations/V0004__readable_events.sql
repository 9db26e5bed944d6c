-- Rows that no build of the product wrote.
-- For: an event that cannot be read stops nobody: none is taken, and what is of a region that is none is found at once.
-- Tried: ForgedReadingTests, RoleRightsTests.

-- Of a region that is none (LogStore.IsNobodys): none, or what somebody wrote past the product.
create index audit_entry_nobodys on ${schema}.audit_entry (seq) where coalesce(region, '') !~ '^([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})$';

-- An event is an object, of a place and a day that can be: what is read by them would meet another one at every turn. Whoever writes past the product
-- is held to that as well.
create function ${schema}.refuse_unreadable() returns trigger language plpgsql as $$
begin
    raise exception 'event % on stream % has no body, place or day of an event', new.type, new.stream_id using errcode = '42501';
end $$;
create trigger refuse_unreadable before insert on ${schema}.mt_events for each row when (not coalesce(
        jsonb_typeof(new.data) = 'object' and new.version > 0 and new.mt_dotnet_type is not null
    and new.headers ->> 'region' ~ '^([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})$'
    and new.headers ->> 'effectiveDate' ~ '^2[0-9]{3}-[0-9]{2}-[0-9]{2}$' and (new.headers ->> 'effectiveDate')::date is not null
    and new.timestamp >= '2000-01-01' and new.timestamp < '2200-01-01', false)) execute function ${schema}.refuse_unreadable();
