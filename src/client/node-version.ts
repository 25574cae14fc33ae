/** The oldest Node whose built-in modules suffice, as package.json says under `engines`. */
const oldest = [22, 19] as const;

/** What to tell a person who starts the program on too old a Node; undefined when it will do. */
export function nodeTooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined;
  return (
    `skybackup: this is Node ${version}, and skybackup needs ${oldest.join('.')} or newer.\n` +
    'Start it with a newer one; in a clone that is node_modules/.bin/node, once "npm run setup" has run. ' +
    'A desktop client that brings its own Node has a newer one after an update.'
  );
}
