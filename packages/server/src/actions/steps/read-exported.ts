/** Brings the data of an image into the staging area, where it is converted. */
import type { ActionParts } from '../parts.ts';
import { exportedBytes, findExported } from './exported-data.ts';
import { type Kept, keepExported } from './keep-exported.ts';

export const readExportedName = 'read';

export type ReadOut = Kept & { readonly disk_format: string; readonly container_format: string };

export function readExported(parts: ActionParts) {
  return keepExported(parts, readExportedName, async ({ context, input, key, reserve }) => {
    const image = await findExported(parts, input);
    const { disk_format, container_format } = image;
    const total = image.size!;
    await reserve(total);
    const told = async function* () {
      let done = 0;
      for await (const chunk of exportedBytes(parts, image)) {
        done += chunk.length;
        yield chunk;
        context.progress(done, total);
      }
    };
    const { size } = await parts.stores.staging.put(key, told(), context.signal);
    return { size, disk_format: disk_format!, container_format: container_format! };
  });
}
