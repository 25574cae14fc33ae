/**
 * Which tables the good backups hold: part of the first migration. The backups of a service mostly hold the same tables, so
 * the names are kept once for each list of them, with how many backups it is of; sizes are in the manifests.
 */
export const contentsTables = `CREATE TABLE table_lists (
  id INTEGER PRIMARY KEY,
  service_id TEXT NOT NULL,
  digest TEXT NOT NULL,
  backups INTEGER NOT NULL DEFAULT 0,
  UNIQUE (service_id, digest)
) STRICT;
-- In small letters, as they are asked for; and each schema once more without a name.
CREATE TABLE listed_tables (
  schema TEXT NOT NULL,
  name TEXT NOT NULL,
  service_id TEXT NOT NULL,
  list_id INTEGER NOT NULL REFERENCES table_lists (id) ON DELETE CASCADE,
  PRIMARY KEY (schema, name, service_id, list_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX listed_tables_by_list ON listed_tables (list_id);
CREATE TABLE tables_of_backups (
  backup_id TEXT PRIMARY KEY REFERENCES backups (id) ON DELETE CASCADE,
  list_id INTEGER NOT NULL REFERENCES table_lists (id),
  start_time INTEGER NOT NULL
) STRICT;
CREATE INDEX tables_of_backups_by_list ON tables_of_backups (list_id, start_time, backup_id);
CREATE INDEX tables_of_backups_by_time ON tables_of_backups (start_time, backup_id, list_id);
CREATE TRIGGER table_list_is_counted AFTER INSERT ON tables_of_backups BEGIN
  UPDATE table_lists SET backups = backups + 1 WHERE id = NEW.list_id;
END;
CREATE TRIGGER table_list_is_counted_out AFTER DELETE ON tables_of_backups BEGIN
  UPDATE table_lists SET backups = backups - 1 WHERE id = OLD.list_id;
  DELETE FROM table_lists WHERE id = OLD.list_id AND backups = 0;
END;
CREATE TRIGGER tables_of_bad_backups AFTER UPDATE OF status ON backups WHEN NEW.status <> 'Succeeded' BEGIN
  DELETE FROM tables_of_backups WHERE backup_id = NEW.id;
END;`;
