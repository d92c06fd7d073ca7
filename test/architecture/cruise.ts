/** Runs dependency-cruiser over a tree and makes sure that it saw every file and every import there. */
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import config from '../../.dependency-cruiser.mjs';
import type { Finding, SourceFile } from './source-tree.ts';
import { readSyntax } from './syntax.ts';

type Parser = 'acorn' | 'swc';

const roots = ['packages', 'test', 'scripts', 'bench'];

async function cruiseTree(root: string, parser: Parser): Promise<ICruiseResult> {
  const { output } = await cruise(roots, {
    ...config.options,
    parser,
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: config.forbidden },
  });
  if (typeof output === 'string') throw new Error('the cruiser gave text instead of a result');
  return output;
}

function violations(result: ICruiseResult): Finding[] {
  return result.summary.violations.map(({ rule, from, to, cycle = [] }) => {
    const detail = [to, ...cycle.map(({ name }) => name).filter((name) => name !== to)].join(' → ');
    return { rule: rule.name, file: from, detail };
  });
}

/** Without a parser for TypeScript the cruiser sees nothing, finds nothing wrong, and says so. */
function unseen(result: ICruiseResult, files: SourceFile[]): Finding[] {
  const seen = new Map(result.modules.map(({ source, dependencies }) => [source, dependencies]));
  return files.flatMap(({ path, text }) => {
    const dependencies = seen.get(path);
    if (dependencies === undefined) return [{ rule: 'unseen-module', file: path, detail: 'not cruised' }];
    const known = new Set(dependencies.flatMap(({ module, protocol = '' }) => [module, protocol + module]));
    return readSyntax(text)
      .specifiers.filter((specifier) => !known.has(specifier))
      .map((specifier) => ({ rule: 'unseen-import', file: path, detail: specifier }));
  });
}

export interface CruiseReport {
  readonly findings: Finding[];
  /** How many of the tree's own files the cruiser saw. */
  readonly seen: number;
}

/** `parser` is for showing what happens with one that cannot read TypeScript. */
export async function checkImports(
  root: string,
  files: SourceFile[],
  parser: Parser = 'swc',
): Promise<CruiseReport> {
  const result = await cruiseTree(root, parser);
  const own = new Set(files.map(({ path }) => path));
  return {
    findings: [...violations(result), ...unseen(result, files)],
    seen: result.modules.filter(({ source }) => own.has(source)).length,
  };
}
