import { SkybackupError } from '../../../contract/errors.ts';

export interface BucketLocation {
  bucket: string;
  /** What every key begins with: empty, or ending in `/`. */
  prefix: string;
}

/** Reads `s3://bucket` or `s3://bucket/prefix`, with or without a slash at its end. */
export function parseBucketUrl(url: string): BucketLocation {
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(url) ?? [];
  const prefix = path.replace(/\/$/, '');
  const whole =
    prefix === '' || prefix.split('/').every((part) => /^[\w!.*'()@=+ -]+$/.test(part) && !/^\.+$/.test(part));
  if (bucket === undefined || !whole) {
    throw new SkybackupError('invalid_request', `"${url.slice(0, 200)}" is not the path of a bucket.`, {
      hint: "Write s3://bucket or s3://bucket/prefix; a bucket's name is 3 to 63 small letters, digits, dots and hyphens.",
    });
  }
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/` };
}
