DROP INDEX nodes_restricted;
