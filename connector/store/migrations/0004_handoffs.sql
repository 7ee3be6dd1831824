-- contacts that were offered to sales on entering a stage; once more only after it expired
CREATE TABLE handoff (contact_id TEXT, journey INTEGER, stage TEXT, offered_at INTEGER NOT NULL, owner TEXT, due_at
  INTEGER, state TEXT NOT NULL, settled_at INTEGER, why TEXT NOT NULL, first_touch_at INTEGER, under_way INTEGER NOT
  NULL, breached_at INTEGER, told_at INTEGER, PRIMARY KEY (contact_id, journey, stage, offered_at)) WITHOUT ROWID;
CREATE INDEX handoff_offered ON handoff (offered_at);
CREATE INDEX handoff_open ON handoff (due_at) WHERE state = 'offered';
-- what sales did about a contact
CREATE INDEX engagement_touch ON engagement (contact_id, at) WHERE event IN ('call', 'meeting', 'sales_email');
