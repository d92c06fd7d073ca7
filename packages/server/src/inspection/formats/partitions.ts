/** Partition tables: a disk that has one is raw. A bad table is the guest's affair and never refused. */
import { decided, type Format, textAt } from './format.ts';

export const gpt: Format = {
  name: 'gpt',
  recognise: (head) => textAt(head, 512, 'EFI PART') || textAt(head, 4096, 'EFI PART'),
  examine: () => decided(({ size }) => size),
};

/** NTFS, FAT, kernels and boot loaders carry 55 AA too: it proves nothing by itself. */
export const mbr: Format = {
  name: 'mbr',
  recognise: (head) => textAt(head, 510, '\x55\xaa') && !gpt.recognise(head),
  examine: () => decided(({ size }) => size),
};
