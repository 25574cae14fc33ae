import { SkybackupError } from '../../contract/errors.ts';

export interface BucketLocation {
  bucket: string;
  /** What every key begins with: empty, or ending in `/`. */
  prefix: string;
}

/** What the name of a bucket may be, by the scheme of its path. */
const names = {
  s3: {
    pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    words: '3 to 63 small letters, digits, dots and hyphens',
  },
  gs: {
    // Names with dots may be longer, each part between the dots at most 63.
    pattern: /^(?=.{3,222}$)[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)*$/,
    words: '3 to 63 small letters, digits, dots, hyphens and underscores',
  },
};

/** Reads `s3://bucket` or `s3://bucket/prefix`, with or without a slash at its end; of GCS with `gs:`. */
export function parseBucketUrl(url: string, scheme: keyof typeof names): BucketLocation {
  const [, given, bucket = '', path = ''] = /^([a-z0-9]+):\/\/([^/]+)(?:\/(.*))?$/.exec(url) ?? [];
  const { pattern, words } = names[scheme];
  const prefix = path.replace(/\/$/, '');
  const whole =
    prefix === '' || prefix.split('/').every((part) => /^[\w!.*'()@=+ -]+$/.test(part) && !/^\.+$/.test(part));
  if (given !== scheme || !pattern.test(bucket) || !whole) {
    throw new SkybackupError('invalid_request', `"${url.slice(0, 200)}" is not the path of a bucket.`, {
      hint: `Write ${scheme}://bucket or ${scheme}://bucket/prefix; a bucket's name is ${words}.`,
    });
  }
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/` };
}
