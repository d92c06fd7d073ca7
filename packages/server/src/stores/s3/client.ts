/** The AWS SDK, set up such that it works with Amazon, Ceph and Swift alike, and leaves repeating to us. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { trusting } from '../../base/fetch/authorities.ts';
import { credentialsOf } from './credentials.ts';
import type { S3StoreOptions } from './options.ts';

/** Milliseconds to connect. */
const connectMs = 5000;

/** Fails with bad_request when the file with the authorities cannot be used. */
export function createClient(options: S3StoreOptions): S3Client {
  const { endpoint, region, addressing, idleTimeout, caFile } = options;
  // A reader that is slow keeps its connection: with a limit some would wait for others.
  const agent = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };
  const tls = caFile === null ? {} : { secureContext: trusting(caFile) };
  const credentials = credentialsOf(options);
  return new S3Client({
    region,
    ...(endpoint === null ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: addressing === 'path' || (addressing === 'auto' && endpoint !== null),
    // Ceph and Swift refuse the trailers that the SDK would send.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    maxAttempts: 1,
    requestHandler: {
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent({ ...agent, ...tls }),
      connectionTimeout: connectMs,
      socketTimeout: idleTimeout * 1000,
    },
  });
}
