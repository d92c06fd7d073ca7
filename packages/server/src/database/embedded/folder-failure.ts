/** What it means that a folder of ours cannot be used. */
import { Failure } from '../../base/failure.ts';

const reasons: Record<string, string> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not change it',
  EROFS: 'it is on a read-only file system',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'a part of the path is not a folder',
};

/** Failure `unavailable` with a sentence for what people can mend, anything else unchanged. */
export function folderFailure(error: unknown, folder: string): unknown {
  const reason = reasons[(error as NodeJS.ErrnoException)?.code ?? ''];
  if (error instanceof Failure || reason === undefined) return error;
  return new Failure('unavailable', `The data directory ${folder} cannot be used: ${reason}.`, {
    cause: error,
  });
}
