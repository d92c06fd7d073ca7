/** Server-Sent Events read from a body: blocks of fields, as they come. */

export interface EventBlock {
  /** Of this block or the last one that had one; empty: none yet. */
  readonly lastId: string;
  /** Empty: a sign of life. */
  readonly event: string;
  readonly data: string;
}

/** A block longer than this is no event of any server of ours. */
const longestBlock = 64 * 1024 * 1024;

/** Ends with the body; what follows the last empty line is dropped. Throws what reading does. */
export async function* eventBlocks(
  body: ReadableStream<Uint8Array>,
  id: string,
): AsyncGenerator<EventBlock, void, undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let lastId = id;
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      if (text.length > longestBlock) throw new RangeError('the server sends an event without end');
      for (const block of blocks) {
        const fields = fieldsOf(block);
        lastId = fields.get('id') ?? lastId;
        yield { lastId, event: fields.get('event') ?? '', data: fields.get('data') ?? '' };
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function fieldsOf(block: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, '');
    fields.set(name, name === 'data' && fields.has(name) ? `${fields.get(name)}\n${value}` : value);
  }
  return fields;
}
