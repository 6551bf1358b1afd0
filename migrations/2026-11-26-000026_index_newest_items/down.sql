DROP INDEX items_newest;
