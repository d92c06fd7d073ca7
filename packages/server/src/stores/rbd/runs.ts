/** Where bytes are that are not all zero. */

/** Bytes that are left out together or not at all: less would make many small writes. */
const stepBytes = 256 * 1024;

const zeros = Buffer.alloc(stepBytes);

export interface Run {
  readonly first: number;
  readonly end: number;
}

/** Stretches of `bytes`, in order and apart from each other; what is between them is zero. */
export function filledRuns(bytes: Buffer): Run[] {
  const runs: Run[] = [];
  for (let first = 0; first < bytes.length; first += stepBytes) {
    const end = Math.min(first + stepBytes, bytes.length);
    if (bytes.compare(zeros, 0, end - first, first, end) === 0) continue;
    const last = runs.at(-1);
    if (last?.end === first) runs[runs.length - 1] = { first: last.first, end };
    else runs.push({ first, end });
  }
  return runs;
}
