DROP TABLE organizations;
DROP FUNCTION fold_list(jsonb, text);
