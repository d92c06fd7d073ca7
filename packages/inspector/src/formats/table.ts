/** Every format that is looked for, the layer that matters most first. */
import { ovf } from '../archives/ovf.ts';
import { tar } from '../archives/tar.ts';
import type { Format } from '../examination.ts';
import { bzip2, gzip, lha, xz, zstd } from '../packed/packed.ts';
import { zip } from '../packed/zip.ts';
import { cpio, ext, kernel } from './hints.ts';
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
  tar,
  ovf,
  gzip,
  xz,
  zstd,
  bzip2,
  lha,
  zip,
  kernel,
  cpio,
  ext,
  gpt,
  mbr,
];
