CREATE ROLE alice;
CREATE ROLE bob;
CREATE ROLE "Role with ""quotes"", 'too' /and=more";
CREATE ROLE carol LOGIN;
GRANT alice TO bob;
