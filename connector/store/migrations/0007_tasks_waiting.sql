-- each batch that is sent asks whose tasks may still be on their way: not by reading all that is pending
CREATE INDEX outbox_task ON outbox (contact_id, unsure_at) WHERE state = 'pending' AND kind = 'task';
-- and who is handed over comes before a million new scores
CREATE INDEX outbox_action ON outbox (contact_id) WHERE state = 'pending' AND kind <> 'property';
