/** The bytes of an upload, from whatever the caller has, in the form that fetch sends best. */

export type ImageBody = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Blob | Uint8Array;

export interface Source {
  /** What to give to fetch. */
  readonly body: ReadableStream<Uint8Array> | Blob | Uint8Array;
  /** Bytes, when known beforehand. */
  readonly size: number | null;
  /** What went wrong in reading the source, if that did. */
  failure(): unknown;
  /** Lets go of the source, read to its end or not. */
  close(): Promise<void>;
  /** Shows the bytes of a body that fetch sent by itself. */
  passWhole(): Promise<void>;
}

export function openSource(body: ImageBody, onChunk: (chunk: Uint8Array) => void): Source {
  if (body instanceof Uint8Array) return wholeSource(body, body.length, async () => onChunk(body));
  if (body instanceof Blob) {
    return wholeSource(body, body.size, async () => {
      const reader = body.stream().getReader();
      for (let step = await reader.read(); !step.done; step = await reader.read()) onChunk(step.value);
    });
  }
  return streamSource(body, onChunk);
}

/** Blobs are handed over whole: browsers send no streams over HTTP/1.1. */
function wholeSource(body: Blob | Uint8Array, size: number, passWhole: () => Promise<void>): Source {
  return { body, size, failure: () => undefined, close: async () => {}, passWhole };
}

function streamSource(
  body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
): Source {
  const steps = stepsOf(body);
  let failure: unknown;
  let ended = false;
  let pending = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        pending = true;
        try {
          const { done, value } = await steps.next();
          if (done) {
            ended = true;
            controller.close();
          } else {
            onChunk(value);
            controller.enqueue(value);
          }
        } catch (thrown) {
          failure = thrown;
          ended = true;
          controller.error(thrown);
        } finally {
          pending = false;
        }
      },
    },
    { highWaterMark: 0 },
  );
  return {
    body: stream,
    size: null,
    failure: () => failure,
    async close() {
      // An answer can come before the body was taken: fetch then leaves the stream as it is.
      const end = ended ? undefined : steps.end();
      // A generator that waits for its next bytes ends only when they come.
      if (pending) end?.catch(() => {});
      else await end;
    },
    passWhole: async () => {},
  };
}

interface Steps {
  next(): Promise<{ done: true; value?: undefined } | { done: false; value: Uint8Array }>;
  end(): Promise<void>;
}

function stepsOf(body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>): Steps {
  if (body instanceof ReadableStream) {
    const reader = body.getReader();
    return {
      next: async () => (await reader.read()) as Awaited<ReturnType<Steps['next']>>,
      end: async () => await reader.cancel(),
    };
  }
  const iterator = body[Symbol.asyncIterator]();
  return {
    next: async () => (await iterator.next()) as Awaited<ReturnType<Steps['next']>>,
    end: async () => {
      await iterator.return?.();
    },
  };
}
