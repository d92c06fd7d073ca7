/** Makes one verdict of what the examinations found and how the data ends. */
import type { Findings, StreamEnd } from './examination.ts';
import { isRefusal, refusalOf } from './examiner.ts';
import { type FixedVhd, fixedVhdAt } from './formats/vhd-footer.ts';
import type { Inspection, Refusal } from './inspection.ts';
import { lookOfTail } from './looks.ts';
import { type Recognised, takenForTwo } from './recognise.ts';

/** Of an examination. */
export type Outcome = Findings | Refusal;

/** `outcomes`: of the formats recognised, in their order. */
export function conclude(
  recognised: Recognised,
  outcomes: readonly Outcome[],
  end: StreamEnd,
  virtualSizeCap = Number.POSITIVE_INFINITY,
): Inspection {
  const fixed = recognised.formats.includes('vhd') ? null : fixedVhdAt(end);
  const isVhd = fixed !== null && holdsRaw(recognised);
  const inspection = isVhd ? ofFixedVhd(recognised, fixed, end) : ofExamined(recognised, outcomes, end);
  const isBoth = fixed !== null && fixed.damage === null && !isVhd;
  const polyglot = recognised.refusal ?? (isBoth ? takenForTwo([...recognised.formats, 'vhd']) : null);
  return capped(polyglot === null ? inspection : { ...inspection, refusal: polyglot }, virtualSizeCap);
}

function ofExamined(
  { formats, looksLike }: Recognised,
  outcomes: readonly Outcome[],
  end: StreamEnd,
): Inspection {
  const findings = outcomes.filter(isFindings);
  const first = outcomes[0] !== undefined && isFindings(outcomes[0]) ? outcomes[0] : null;
  return {
    format: first?.format ?? formats[0] ?? 'raw',
    also: formats.slice(1),
    looksLike: first?.title ?? (looksLike === 'raw data' ? (lookOfTail(end.tail) ?? looksLike) : looksLike),
    size: end.size,
    virtualSize: outcomes.length === 0 ? end.size : (first?.virtualSize ?? null),
    refusal: outcomes.map(refusalOf).find((refusal) => refusal !== null) ?? null,
    warnings: findings.flatMap(({ warnings = [] }) => warnings),
    encryption: first?.encryption ?? null,
    // The first has the last word.
    facts: Object.assign({}, ...findings.toReversed().map(({ facts = {} }) => facts)),
    members: first?.members ?? [],
  };
}

/** A raw disk with a footer behind it, which may just as well be kept as a raw disk. */
function ofFixedVhd(
  { formats }: Recognised,
  { virtualSize, facts, damage }: FixedVhd,
  { size }: StreamEnd,
): Inspection {
  return {
    format: 'vhd',
    also: [...formats, 'raw'],
    looksLike: 'a vhd image',
    size,
    virtualSize,
    refusal: damage === null ? null : { kind: 'damaged', reason: damage },
    warnings: [],
    encryption: null,
    facts,
    members: [],
  };
}

function holdsRaw({ matching }: Recognised): boolean {
  return matching.every(({ role }) => role === 'partitions' || role === 'hint');
}

function capped(inspection: Inspection, cap: number): Inspection {
  const { virtualSize, refusal } = inspection;
  if (refusal !== null || virtualSize === null || virtualSize <= cap) return inspection;
  const reason = `its disk has ${virtualSize} bytes, the limit is ${cap}`;
  return { ...inspection, refusal: { kind: 'too_large', reason } };
}

function isFindings(outcome: Outcome): outcome is Findings {
  return !isRefusal(outcome);
}
