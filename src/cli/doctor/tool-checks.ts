import { findTool, type Tool, toolVersion } from '../../engine/mariadb/tools.ts';
import { type Finding, finding, ok } from './finding.ts';

/** Without these there is no backup or no restore. */
const needed: Tool[] = [
  'mariadb-backup',
  'mbstream',
  'mariadbd',
  'mariadb-install-db',
  'mariadb',
  'my_print_defaults',
  'zstd',
];
/** These have their uses, and their absence is only told. */
const useful: Tool[] = ['mariadb-dump', 'mariadb-binlog', 'age'];

/** Whether the programs of the engine are there, and belong together. */
export async function toolChecks(): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const tool of needed) findings.push(await finding(`tool ${tool}`, () => whereAndWhich(tool)));
  for (const tool of useful) {
    const found = await finding(`tool ${tool}`, () => whereAndWhich(tool));
    findings.push(found.status === 'failed' ? { ...found, status: 'warning' } : found);
  }
  findings.push(await finding('tool versions', sameSeries));
  return findings;
}

async function whereAndWhich(tool: Tool): Promise<string> {
  const path = findTool(tool);
  // These print no version of their own; they come in the package of one that does.
  if (tool === 'mbstream' || tool === 'mariadb-install-db' || tool === 'my_print_defaults') return path;
  return `${path}, ${await toolVersion(tool)}`;
}

async function sameSeries(): Promise<Finding> {
  const series = (version: string): string => version.split('.').slice(0, 2).join('.');
  const [backup, server] = [await toolVersion('mariadb-backup'), await toolVersion('mariadbd')];
  if (series(backup) === series(server))
    return ok('tool versions', `mariadb-backup and mariadbd are both of series ${series(server)}`);
  return {
    check: 'tool versions',
    status: 'failed',
    message: `mariadb-backup is ${backup} and mariadbd ${server}: a backup must be restored with the series that took it.`,
    mend: 'Install both from the same source, in the series of your servers.',
  };
}
