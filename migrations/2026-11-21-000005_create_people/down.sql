DROP TABLE affiliations, person_expertise, consents, people;
