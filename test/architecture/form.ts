/** Checks what a single file shows: its size, its functions' sizes, its first line, its name, SQL and shells in it. */
import { basename } from 'node:path';
import type { Finding, SourceFile } from './source-tree.ts';
import { readSyntax } from './syntax.ts';

const maxFileLines = 500;
const maxFunctionLines = 59;
export const medianFileLines = 80;
export const ninetyFifthFileLines = 300;

const vagueNames =
  /^(utils?|helpers?|common|misc|shared|managers?|services?)$|-(utils?|helpers?|manager|service)$/;
/** Real servers that tests run against. */
const tellingNames = /^test\/services\//;
const sqlText =
  /^\s*(SELECT\s.+\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(TABLE|INDEX|DATABASE)\s|ALTER\s+TABLE\s|DROP\s+(TABLE|DATABASE)\s)/is;
const sqlMayStandIn = /\/database\/|-records[.]ts$|^bench\/|^test\//;

/** What runs programs is given words, never a line made up for a shell to take apart (OSSA-2014-012). */
const shellUse =
  /import [^;]*\b(exec|execSync)\b[^;]* from 'node:child_process'|\bshell: (?!false\b)|sh', \['-l?c', (?!')/;
const served = /^packages\/(server|client|inspector|contract)\/src\//;

function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

function checkFirstLine({ path, text }: SourceFile): Finding[] {
  const withoutShebang = text.replace(/^#!.*\n/, '');
  const sentence = /^\/\*\*(?<said>[^*]+(?:\*(?!\/)[^*]*)*)\*\//.exec(withoutShebang)?.groups?.said?.trim();
  if (sentence?.endsWith('.')) return [];
  return [
    {
      rule: 'first-line',
      file: path,
      detail: 'does not begin with a /** sentence. */ saying what it is for',
    },
  ];
}

function checkName({ path }: SourceFile): Finding[] {
  const names = [...path.split('/').slice(0, -1), basename(path).split('.')[0] ?? ''];
  return names
    .filter((name) => vagueNames.test(name) && !tellingNames.test(path))
    .map((name) => ({ rule: 'vague-name', file: path, detail: name }));
}

/** Of one file, whatever the others are. */
export function checkFile(file: SourceFile): Finding[] {
  const { path, text, isTest } = file;
  const findings = [...checkFirstLine(file), ...checkName(file)];
  const lines = countLines(text);
  if (lines > maxFileLines) findings.push({ rule: 'long-file', file: path, detail: `${lines} lines` });
  const syntax = readSyntax(text);
  for (const line of syntax.inlineTypeImports) {
    findings.push({ rule: 'inline-type-import', file: path, detail: `line ${line}: use import type` });
  }
  for (const { name, firstLine, lines: length } of isTest ? [] : syntax.functions) {
    if (length <= maxFunctionLines) continue;
    findings.push({
      rule: 'long-function',
      file: path,
      detail: `${name}, line ${firstLine}: ${length} lines`,
    });
  }
  for (const { value, line } of isTest || sqlMayStandIn.test(path) ? [] : syntax.texts) {
    if (sqlText.test(value)) findings.push({ rule: 'sql-text', file: path, detail: `line ${line}` });
  }
  const shell = isTest || !served.test(path) ? null : shellUse.exec(text);
  if (shell !== null) findings.push({ rule: 'shell', file: path, detail: shell[0] });
  return findings;
}

function quantile(sorted: number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** Median and 95th of the lines of all files that are not tests. */
export function measureFiles(files: SourceFile[]): { median: number; ninetyFifth: number } {
  const lines = files
    .filter(({ isTest }) => !isTest)
    .map(({ text }) => countLines(text))
    .sort((a, b) => a - b);
  return { median: quantile(lines, 0.5), ninetyFifth: quantile(lines, 0.95) };
}
