/** Inspects data that can be read anywhere, reading only what the formats found in it ask for. */
import { conclude } from './conclude.ts';
import type { Answer, MemberStretch, StreamEnd } from './examination.ts';
import { type DataNeed, Examiner } from './examiner.ts';
import { headBytes, type Inspection, type InspectOptions, type Source, tailBytes } from './inspection.ts';
import { examinerOptions } from './inspector.ts';
import { examinationOf, recognise } from './recognise.ts';

const digestChunkBytes = 256 * 1024;

/** The same verdict as of the stream. Fails only where `source.read` does. */
export function inspectSource(source: Source, options: InspectOptions = {}): Promise<Inspection> {
  return inspectAt(source, options, 1);
}

async function inspectAt(source: Source, options: InspectOptions, depth: number): Promise<Inspection> {
  const { size } = source;
  const recognised = recognise(await source.read(0, Math.min(headBytes, size)));
  const tailLength = Math.min(tailBytes, size);
  const end = { size, tail: await source.read(size - tailLength, tailLength) };
  const outcomes = [];
  for (const format of recognised.matching) {
    const examiner = new Examiner(examinationOf(format, depth, options), examinerOptions(options));
    for (let need = examiner.need; need !== null; need = examiner.need) {
      examiner.answer(await answerTo(need, source, end, options, depth));
    }
    outcomes.push(examiner.outcome!);
  }
  return conclude(recognised, outcomes, end, options.virtualSizeCap);
}

async function answerTo(
  need: DataNeed,
  source: Source,
  end: StreamEnd,
  options: InspectOptions,
  depth: number,
): Promise<Answer> {
  if (need.kind === 'end') return end;
  const part = partOf(source, need.offset, need.length);
  if (need.kind === 'bytes') return await part.read(0, part.size);
  await digestAll(part, need);
  return await inspectAt(part, options, depth - 1);
}

function partOf(source: Source, offset: number, length: number): Source {
  const size = Math.max(0, Math.min(length, source.size - offset));
  return {
    size,
    read: (at, count) => source.read(offset + at, Math.min(count, size - at)),
  };
}

async function digestAll(part: Source, { digest }: MemberStretch): Promise<void> {
  if (digest === null) return;
  for (let at = 0; at < part.size; at += digestChunkBytes) {
    digest.update(await part.read(at, Math.min(digestChunkBytes, part.size - at)));
  }
}
