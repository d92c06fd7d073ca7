/** How much is in a bucket, and how much it can still take: Ceph's gateway tells, Amazon and others do not. */
import type { HeadBucketCommand } from '@aws-sdk/client-s3';
import { type StoreCapacity, unknownCapacity } from '../store.ts';

export type Headers = Readonly<Record<string, string>>;

/** The same command, which asks newer gateways to count, and hands over the headers of the answer. */
export function askingForRoom(command: HeadBucketCommand, heard: (headers: Headers) => void): typeof command {
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as { query: Record<string, string> }).query['read-stats'] = 'true';
      return next(args);
    },
    { step: 'build' },
  );
  command.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      heard((answer.response as { headers: Headers }).headers);
      return answer;
    },
    { step: 'deserialize', priority: 'low' },
  );
  return command;
}

/**
 * Swift tells how much is in a bucket, too, without the parts of large objects: so only who tells quotas is believed. What else a
 * user has is not told, and so not what a quota of the user's leaves.
 */
export function capacityIn(headers: Headers): StoreCapacity {
  const [used, ofBucket, ofUser] = ['bytes-used', 'quota-bucket-size', 'quota-user-size'].map((figure) =>
    bytesIn(headers[`x-rgw-${figure}`]),
  );
  if (used === undefined || ofBucket === undefined || ofUser === undefined) return unknownCapacity;
  const total = Math.min(...[ofBucket, ofUser].filter((quota) => quota >= 0));
  return {
    usedBytes: used,
    totalBytes: Number.isFinite(total) ? total : null,
    freeBytes: ofBucket >= 0 && ofUser < 0 ? Math.max(0, ofBucket - used) : null,
  };
}

/** Below 0: without a limit. */
function bytesIn(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}
