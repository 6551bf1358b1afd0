-- What an account that loses or gains a right loses or gains sight of.
CREATE INDEX CONCURRENTLY nodes_restricted ON nodes USING gin (audience) WHERE NOT is_public;
