DROP TABLE project_people;
DROP TABLE project_communities;
DROP TABLE project_organizations;
DELETE FROM projects;
DROP TABLE projects;
