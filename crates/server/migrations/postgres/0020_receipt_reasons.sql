-- Why a person has to do something about a receipt, where the bank does not: a word, so that it is
-- told in the reader's language.
alter table receipts add column reason text;
