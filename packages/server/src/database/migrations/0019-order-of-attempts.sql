-- Two attempts may begin within a millisecond, and their order is that of their beginnings. Nothing is rewritten.
ALTER TABLE flow_attempts ALTER COLUMN started_at TYPE timestamptz;
