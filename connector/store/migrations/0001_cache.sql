-- The cache. Columns `f_<field>` of contact, company and deal are added by the mapping (records.py).

-- what we last saw of the CRM
CREATE TABLE contact (id TEXT PRIMARY KEY, email TEXT, company_id TEXT, created_at INTEGER, modified_at
  INTEGER, seen_at INTEGER NOT NULL, properties TEXT NOT NULL);
CREATE INDEX contact_email ON contact (email);
CREATE INDEX contact_company ON contact (company_id) WHERE company_id IS NOT NULL;
CREATE TABLE company (id TEXT PRIMARY KEY, created_at INTEGER, modified_at INTEGER, seen_at INTEGER NOT
  NULL, properties TEXT NOT NULL);
CREATE TABLE deal (id TEXT PRIMARY KEY, created_at INTEGER, modified_at INTEGER, seen_at INTEGER NOT NULL,
  properties TEXT NOT NULL);
CREATE TABLE deal_contact (contact_id TEXT, deal_id TEXT, PRIMARY KEY (contact_id, deal_id)) WITHOUT ROWID;
CREATE INDEX deal_contact_deal ON deal_contact (deal_id);
CREATE TABLE address (address TEXT PRIMARY KEY, contact_id TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX address_contact ON address (contact_id);
CREATE TABLE field_column (object TEXT, field TEXT, property TEXT NOT NULL, type TEXT NOT NULL, PRIMARY KEY
  (object, field)) WITHOUT ROWID;
CREATE TABLE oddity (object TEXT, record_id TEXT, property TEXT, value TEXT, why TEXT NOT NULL, seen_at
  INTEGER NOT NULL, PRIMARY KEY (object, record_id, property)) WITHOUT ROWID;

-- the CRM's events, kept raw (text of attrs folded), so that signals can be made again without a pull; party: contact id or address
CREATE TABLE engagement (id TEXT, party TEXT, source TEXT NOT NULL, event TEXT NOT NULL, at INTEGER NOT
  NULL, ingested_at INTEGER NOT NULL, contact_id TEXT, address TEXT, attrs TEXT NOT NULL, label TEXT NOT
  NULL, judged INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (id, party)) WITHOUT ROWID;
CREATE INDEX engagement_contact ON engagement (contact_id);
CREATE INDEX engagement_parked ON engagement (address) WHERE contact_id IS NULL;
CREATE INDEX engagement_unjudged ON engagement (judged) WHERE judged = 0 AND contact_id IS NOT NULL;
CREATE TABLE signal (contact_id TEXT, kind TEXT, at INTEGER, id TEXT, day INTEGER NOT NULL, email TEXT, form
  TEXT, rejected TEXT, ingested_at INTEGER NOT NULL, PRIMARY KEY (contact_id, kind, at, id)) WITHOUT ROWID;

-- contacts whose inputs changed since they were last judged
CREATE TABLE dirty (contact_id TEXT PRIMARY KEY, stamp INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE score (contact_id TEXT PRIMARY KEY, rules TEXT NOT NULL, as_of INTEGER NOT NULL, points INTEGER
  NOT NULL, axes TEXT NOT NULL, parts TEXT NOT NULL, counted TEXT NOT NULL, facts TEXT NOT NULL, next_change_at INTEGER,
  stamp INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX score_stamp ON score (stamp);
CREATE INDEX score_due ON score (next_change_at) WHERE next_change_at IS NOT NULL;
CREATE TABLE standing (contact_id TEXT PRIMARY KEY, journey INTEGER NOT NULL, epoch_at INTEGER, stage TEXT,
  stage_since INTEGER, temperature TEXT, temperature_since INTEGER, reached TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX standing_stage ON standing (stage);
CREATE TABLE transition (seq INTEGER PRIMARY KEY, contact_id TEXT NOT NULL, journey INTEGER NOT NULL,
  from_stage TEXT, to_stage TEXT NOT NULL, rule TEXT NOT NULL, why TEXT NOT NULL, actor TEXT NOT NULL,
  effective_at INTEGER NOT NULL, decided_at INTEGER NOT NULL, imputed INTEGER NOT NULL, plan_id TEXT, rules
  TEXT NOT NULL);
CREATE INDEX transition_contact ON transition (contact_id);
CREATE TABLE stage_note (contact_id TEXT PRIMARY KEY, value TEXT NOT NULL, at INTEGER NOT NULL, writer TEXT
  NOT NULL, source TEXT NOT NULL, source_id TEXT NOT NULL, before TEXT NOT NULL) WITHOUT ROWID;
-- contacts whose stage in the CRM was written by somebody that we have not looked up yet
CREATE TABLE unwitnessed (contact_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE hold (contact_id TEXT, field TEXT, why TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT
  NULL, PRIMARY KEY (contact_id, field)) WITHOUT ROWID;
CREATE INDEX hold_until ON hold (until);

-- previews; a plan becomes a decision when it is accepted
CREATE TABLE plan (seq INTEGER PRIMARY KEY, id TEXT, made_at INTEGER NOT NULL, as_of INTEGER NOT NULL, rules TEXT NOT NULL,
  stamp INTEGER NOT NULL, status TEXT NOT NULL, summary TEXT NOT NULL DEFAULT '{}');
CREATE INDEX plan_id ON plan (id);
CREATE TABLE plan_item (plan INTEGER, contact_id TEXT, changes INTEGER NOT NULL, held INTEGER NOT NULL,
  document TEXT NOT NULL, PRIMARY KEY (plan, contact_id)) WITHOUT ROWID;
CREATE TABLE outbox (seq INTEGER PRIMARY KEY, plan INTEGER NOT NULL, plan_id TEXT NOT NULL, rules TEXT NOT NULL, contact_id TEXT
  NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, old TEXT, new TEXT NOT NULL, state TEXT NOT NULL, said
  TEXT NOT NULL DEFAULT '', tries INTEGER NOT NULL DEFAULT 0, put_at INTEGER NOT NULL, settled_at INTEGER);
CREATE UNIQUE INDEX outbox_once ON outbox (plan, contact_id, kind, key);
CREATE UNIQUE INDEX outbox_open ON outbox (contact_id, kind, key) WHERE state IN ('pending', 'sending',
  'held');
CREATE INDEX outbox_state ON outbox (state, contact_id);
CREATE INDEX outbox_sent ON outbox (contact_id, key, seq) WHERE state = 'sent';

-- how far each source was read: value when safe, progress while on the way
CREATE TABLE bookmark (source TEXT PRIMARY KEY, value TEXT, progress TEXT, moved_at INTEGER, state TEXT NOT
  NULL DEFAULT 'ok', said TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE run (id INTEGER PRIMARY KEY, verb TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER,
  status TEXT NOT NULL, rules TEXT NOT NULL DEFAULT '', summary TEXT NOT NULL DEFAULT '{}');
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
