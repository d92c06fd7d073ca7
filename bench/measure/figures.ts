/** Figures, with the target of each if it has one, as text for people and JSON for machines. */

export interface Target {
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Figure {
  /** What was measured, in words. */
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly target?: Target;
}

export interface ItemResult {
  readonly item: string;
  readonly figures: readonly Figure[];
  readonly seconds: number;
  /** Part of the machine's processors that others used meanwhile, 0 to 1. */
  readonly takenByOthers: number;
}

export function isMet({ value, target }: Figure): boolean | null {
  if (target === undefined) return null;
  return (
    value >= (target.atLeast ?? Number.NEGATIVE_INFINITY) &&
    value <= (target.atMost ?? Number.POSITIVE_INFINITY)
  );
}

function formatValue(value: number): string {
  if (Number.isInteger(value)) return String(value);
  if (!Number.isFinite(value)) return 'none';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

function formatTarget(figure: Figure): string {
  const met = isMet(figure);
  if (met === null) return '';
  const { atLeast, atMost } = figure.target!;
  const bound = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  return `${met ? 'met    ' : 'not met'} (${bound} ${figure.unit})`;
}

export function formatFigure(figure: Figure): string {
  const value = `${formatValue(figure.value).padStart(8)} ${figure.unit}`;
  return `  ${figure.what.padEnd(62)} ${value.padEnd(22)} ${formatTarget(figure)}`.trimEnd();
}

/** Of numbers in ascending order. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function median(numbers: readonly number[]): number {
  return quantile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  );
}
