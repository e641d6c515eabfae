"""Bad values of every public argument, as entries that a table of tests is made of."""
