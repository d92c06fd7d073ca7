/** What the command prints: tables and fields for people, JSON for programs. */
import { plainText } from './plain-text.ts';

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2));
}

/** Columns as wide as their widest cell. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [header, ...rows.map((row) => row.map(plainText))];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => width(line[column] ?? ''))));
  for (const line of lines) {
    const cells = line.map((cell, column) => cell + ' '.repeat(widths[column]! - width(cell)));
    printLine(cells.join('  ').trimEnd());
  }
}

/** One field a line. */
export function printFields(fields: readonly (readonly [name: string, value: string])[]): void {
  const widest = Math.max(...fields.map(([name]) => width(plainText(name))));
  for (const [name, value] of fields) {
    const label = plainText(name);
    printLine(`${label}${' '.repeat(widest - width(label))}  ${plainText(value)}`.trimEnd());
  }
}

function width(text: string): number {
  return [...text].length;
}
