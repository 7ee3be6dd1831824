-- what others said of a contact's stage up to then was acted on
ALTER TABLE standing ADD COLUMN heard_at INTEGER;
-- when it was last unknown whether a row had arrived
ALTER TABLE outbox ADD COLUMN unsure_at INTEGER;
