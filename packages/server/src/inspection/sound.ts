/** Lets no tool open a file that inspection has not passed, whatever it was declared as. */
import { open } from 'node:fs/promises';
import { type Inspection, inspectSource } from '@tintype/inspector';
import { Failure } from '../base/failure.ts';
import { readAt } from './inspect-file.ts';

/** Fails with unsafe_image, or format_mismatch when it is damaged or no image can come of it. */
export async function requireSound(path: string): Promise<Inspection> {
  await using file = await open(path);
  const { size } = await file.stat();
  const inspection = await inspectSource({ size, read: (offset, length) => readAt(file, offset, length) });
  const { refusal } = inspection;
  if (refusal === null) return inspection;
  const isUnsafe = refusal.kind === 'unsafe' || refusal.kind === 'too_large';
  if (isUnsafe) throw new Failure('unsafe_image', `The image is refused: ${refusal.reason}.`);
  throw new Failure('format_mismatch', `The data cannot be used: ${refusal.reason}.`);
}
