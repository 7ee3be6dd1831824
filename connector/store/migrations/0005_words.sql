-- what others said of a contact's stage up to then was acted on
ALTER TABLE standing ADD COLUMN heard_at INTEGER;
