/** Hash functions of Node for the client. */
import { createHash, getHashes } from 'node:crypto';
import type { CreateHasher } from '@tintype/client';

export const createHasher: CreateHasher = (algorithm) =>
  getHashes().includes(algorithm) ? createHash(algorithm) : null;
