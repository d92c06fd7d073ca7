/** Marks that any raw disk may carry: file systems, kernels and archives that are booted, not opened. */
import { textAt } from '../bytes.ts';
import { atEnd, claim, type Format } from '../examination.ts';
import type { FormatName } from '../inspection.ts';
import { isLinuxKernel } from '../looks.ts';

function hint(name: FormatName, title: string, recognise: (head: Uint8Array) => boolean): Format {
  return {
    name,
    title,
    role: 'hint',
    memory: 0,
    recognise,
    *examine() {
      const { size } = yield* atEnd();
      return { virtualSize: yield* claim(size, 'data') };
    },
  };
}

export const kernel = hint('kernel', 'a Linux kernel', isLinuxKernel);
export const cpio = hint(
  'cpio',
  'a cpio archive',
  (head) => textAt(head, 0, '070701') || textAt(head, 0, '070702'),
);
export const ext = hint('ext', 'a bare ext file system', (head) => textAt(head, 1080, '\x53\xef'));
