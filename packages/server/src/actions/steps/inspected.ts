/** What comes out of a container is inspected while it passes, as if it were uploaded. */
import type { Image } from '../../images/image.ts';
import { Inspector } from '../../inspection/inspect.ts';
import type { ActionParts } from '../parts.ts';

/** Holds data against what the image is declared to be. */
export function inspectorFor({ settings }: Pick<ActionParts, 'settings'>, image: Image): Inspector {
  return new Inspector({
    diskFormat: image.disk_format!,
    containerFormat: image.container_format!,
    requireMatch: settings.requireFormatMatch,
    virtualSizeCap: settings.virtualSizeCap,
  });
}

/**
 * Fails as an upload of the image would: whatever is inside something may be what must not be. `shape` gives it when the
 * first bytes are there.
 */
export async function* inspected(
  parts: Pick<ActionParts, 'settings'>,
  shape: () => Image,
  chunks: AsyncIterable<Uint8Array>,
  tell: (done: number) => void,
): AsyncGenerator<Uint8Array> {
  let inspector: Inspector | null = null;
  let done = 0;
  for await (const chunk of chunks) {
    inspector ??= inspectorFor(parts, shape());
    inspector.update(chunk);
    yield chunk;
    done += chunk.length;
    tell(done);
  }
  inspector ??= inspectorFor(parts, shape());
  inspector.finish();
}
