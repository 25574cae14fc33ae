/**
 * Which tables backups hold: part of the first migration. A service's backups mostly hold the same tables, so the names are
 * kept once for each list of them; sizes are in the manifests.
 */
export const contentsTables = `CREATE TABLE table_lists (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE
) STRICT;
-- In small letters, as they are asked for.
CREATE TABLE listed_tables (
  schema TEXT NOT NULL,
  name TEXT NOT NULL,
  list_id INTEGER NOT NULL REFERENCES table_lists (id) ON DELETE CASCADE,
  PRIMARY KEY (schema, name, list_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX listed_tables_by_list ON listed_tables (list_id);
CREATE TABLE tables_of_backups (
  backup_id TEXT PRIMARY KEY REFERENCES backups (id) ON DELETE CASCADE,
  list_id INTEGER NOT NULL REFERENCES table_lists (id),
  start_time INTEGER NOT NULL
) STRICT;
CREATE INDEX tables_of_backups_by_list ON tables_of_backups (list_id, start_time, backup_id);
CREATE TRIGGER table_list_is_forgotten AFTER DELETE ON tables_of_backups
WHEN NOT EXISTS (SELECT 1 FROM tables_of_backups WHERE list_id = OLD.list_id) BEGIN
  DELETE FROM table_lists WHERE id = OLD.list_id;
END;`;
