DROP TABLE due, log_epoch, changes, text_origins, sources, slugs, nodes;
DROP FUNCTION write_node(), audience_meet(text[], text[]), served_text(jsonb, text[], text, text),
  matching_tag(jsonb, text), fold_texts(jsonb), contains_folded(text, text), fold(text);
DROP EXTENSION unaccent;
