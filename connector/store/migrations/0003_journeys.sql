-- journeys: timers of a standing, and which rules for recycling and disqualifying held last
ALTER TABLE standing ADD COLUMN leaving_since INTEGER;
ALTER TABLE standing ADD COLUMN cool_until INTEGER;
ALTER TABLE standing ADD COLUMN fired TEXT;
ALTER TABLE standing ADD COLUMN held_since INTEGER;
ALTER TABLE standing ADD COLUMN held_until INTEGER;
ALTER TABLE standing ADD COLUMN held_why TEXT NOT NULL DEFAULT '';
ALTER TABLE standing ADD COLUMN wake_at INTEGER;
-- what a step rests on: JSON, ids of signals and names of fields
ALTER TABLE transition ADD COLUMN evidence TEXT NOT NULL DEFAULT '[]';
CREATE INDEX standing_wake ON standing (wake_at) WHERE wake_at IS NOT NULL;
