create table meta(key text primary key, value text not null);
