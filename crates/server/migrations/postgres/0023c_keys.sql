-- Keys of addresses were plain hashes, which whoever has the database can try phones against. They
-- are made anew by a job, since the key for it is not in the database.

insert into jobs (id, kind, subject, due_ms)
select 'job_rekey', 'integration_rekey', 'all', 0
where exists (select 1 from sendings) or exists (select 1 from recipients)
    or exists (select 1 from chats);

-- Up to where a messenger's updates were heard, where Kopeck asks for them.
alter table integrations add column updates_marker bigint not null default 0;
