-- what the CRM does not announce: ids that were merged away, contacts that left, people whom nothing here names any more
CREATE TABLE alias (old TEXT PRIMARY KEY, id TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX alias_id ON alias (id);
-- contacts that left the cache with their standing kept: in the bin (binned), or nobody has looked yet
CREATE TABLE departed (contact_id TEXT PRIMARY KEY, binned INTEGER NOT NULL, at INTEGER NOT NULL, looked_at INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE INDEX departed_looked ON departed (looked_at);
CREATE INDEX departed_unclear ON departed (looked_at) WHERE binned = 0;
-- salted hashes of ids and addresses; `person` joins those of one; `asked`: at our user's word, the CRM may have them still
CREATE TABLE erased (hash TEXT PRIMARY KEY, person INTEGER NOT NULL, at INTEGER NOT NULL, asked INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX erased_person ON erased (person);
-- counting by the day of making is how a difference to the CRM is found; who was not seen for longest is looked for
CREATE INDEX contact_created ON contact (created_at);
CREATE INDEX contact_seen ON contact (seen_at);
CREATE INDEX company_seen ON company (seen_at);
CREATE INDEX deal_seen ON deal (seen_at);
-- who joined is the event's party; an id that names them too would not fit when they are merged
DELETE FROM signal WHERE id LIKE 'lists:%';
UPDATE OR REPLACE engagement SET id = 'lists:' || coalesce(json_extract(attrs, '$.list_id'), id) || ':' || at, judged = 0
  WHERE source = 'lists';
