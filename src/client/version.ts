import manifest from '../../package.json' with { type: 'json' };

/** The version of this skybackup, client and daemon alike. */
export const version: string = manifest.version;
