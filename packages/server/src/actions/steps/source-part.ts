/** One part of what a source gives: as many bytes as may be lost when a worker dies. */

/** Bytes after which a part ends. */
const partBytes = 16 * 1024 * 1024;

export interface SourcePart {
  /** To be read once. Ends early when the source fails: what has come is worth keeping. */
  chunks(): AsyncGenerator<Uint8Array>;
  /** Why it ended early. */
  readonly trouble: unknown;
}

/** Null when there is nothing more; fails when the source does before its first byte. `tell`: the bytes so far. */
export async function beginPart(
  body: AsyncIterator<Uint8Array, undefined>,
  tell: (done: number) => void,
): Promise<SourcePart | null> {
  const begun = await body.next();
  if (begun.done) return null;
  let trouble: unknown;
  return {
    async *chunks() {
      let chunk = begun.value;
      for (let done = 0; ; ) {
        done += chunk.length;
        yield chunk;
        tell(done);
        if (done >= partBytes) return;
        try {
          const step = await body.next();
          if (step.done) return;
          chunk = step.value;
        } catch (error) {
          trouble = error;
          return;
        }
      }
    },
    get trouble() {
      return trouble;
    },
  };
}
