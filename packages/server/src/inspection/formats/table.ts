/** Every format that is looked for in an upload. */
import type { Format } from './format.ts';
import { iso, udf } from './iso.ts';
import { luks } from './luks.ts';
import { gpt, mbr } from './partitions.ts';
import { ploop } from './ploop.ts';
import { qcow1, qcow2, qed } from './qcow2.ts';
import { vdi } from './vdi.ts';
import { vhd } from './vhd.ts';
import { vhdx } from './vhdx.ts';
import { vmdk } from './vmdk.ts';

export const formats: readonly Format[] = [
  qcow2,
  qcow1,
  qed,
  vmdk,
  vhd,
  vhdx,
  vdi,
  ploop,
  luks,
  iso,
  udf,
  gpt,
  mbr,
];
