-- Messages whose answers were lost, the language that integrations write in, and keys that open
-- only a bot's door.

-- Requests of this step that had no answer: what is harmless twice is not harmless thirty times.
alter table sendings add column lost integer not null default 0;

-- all, or bot: makes and reads payments by the flat doors, nothing else.
alter table api_keys add column scope text not null default 'all';

-- In which language it writes, where nothing is known of the reader's: ru, en.
alter table integrations add column lang text not null default 'ru';
