DROP INDEX changes_viewer;
