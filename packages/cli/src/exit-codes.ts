/** What the exit code of the command says. */

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  forbidden: 4,
  conflict: 5,
  unavailable: 6,
  unverified: 7,
  unsafe: 8,
  interrupted: 130,
  closedOutput: 141,
} as const;

/** For `--help` and the generated reference. */
export const exitCodeMeanings: readonly [code: number, meaning: string][] = [
  [exitCodes.ok, 'done'],
  [exitCodes.failed, 'the request was refused, or something else went wrong'],
  [exitCodes.usage, 'the command line is wrong'],
  [exitCodes.notFound, 'no such image, tag, token or path'],
  [exitCodes.forbidden, 'not authenticated, or not allowed'],
  [exitCodes.conflict, 'the image is not in a state for this'],
  [exitCodes.unavailable, 'no server reachable, connection lost, or the server is not available'],
  [exitCodes.unverified, 'the data does not have the size or digest it should have'],
  [exitCodes.unsafe, 'inspect: the data is unsafe, damaged or no usable image'],
  [exitCodes.interrupted, 'interrupted (129, 143: ended by SIGHUP, SIGTERM)'],
  [exitCodes.closedOutput, 'the reader of standard output went away'],
];

/** For an HTTP status of the API. */
export function exitCodeOfStatus(status: number): number {
  if (status === 404) return exitCodes.notFound;
  if (status === 401 || status === 403) return exitCodes.forbidden;
  if (status === 409 || status === 410 || status === 412) return exitCodes.conflict;
  if (status === 502 || status === 503 || status === 504) return exitCodes.unavailable;
  return exitCodes.failed;
}
