DROP TABLE sent_mutations;
