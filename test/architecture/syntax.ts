/** Reads a source file's syntax tree: its imports, its functions, its texts. */
import { parseSync } from '@swc/core';

interface Node {
  readonly type: string;
  readonly span: { readonly start: number; readonly end: number };
}

export interface FunctionSize {
  readonly name: string;
  readonly firstLine: number;
  readonly lines: number;
}

export interface Syntax {
  /** Of import and export declarations and of `import()` with a literal. */
  readonly specifiers: string[];
  /** Lines of types written as `import('…').Name`, which the cruiser cannot see. */
  readonly inlineTypeImports: number[];
  readonly functions: FunctionSize[];
  readonly texts: { readonly value: string; readonly line: number }[];
}

const functionTypes = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassMethod',
  'PrivateMethod',
  'Constructor',
  'GetterProperty',
  'SetterProperty',
  'MethodProperty',
]);

const declarationTypes = new Set([
  'ImportDeclaration',
  'ExportAllDeclaration',
  'ExportNamedDeclaration',
  'TsImportEqualsDeclaration',
]);

/** Every node below `value`, in source order as far as the tree has it. */
function* walk(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const item of value) yield* walk(item);
  } else if (typeof value === 'object' && value !== null) {
    if ('type' in value && typeof value.type === 'string' && 'span' in value) yield value as Node;
    for (const child of Object.values(value)) yield* walk(child);
  }
}

function literal(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  if ('value' in node && typeof node.value === 'string') return node.value;
  if ('quasis' in node && Array.isArray(node.quasis) && node.quasis.length === 1)
    return node.quasis[0].cooked;
  return undefined;
}

function specifierOf(node: Node): string | undefined {
  if (declarationTypes.has(node.type)) {
    if ('source' in node) return literal(node.source);
    if ('moduleRef' in node) return literal((node.moduleRef as { expression?: unknown }).expression);
  }
  if (node.type !== 'CallExpression') return undefined;
  const { callee, arguments: given } = node as unknown as {
    callee: Node;
    arguments: { expression: unknown }[];
  };
  return callee.type === 'Import' ? literal(given[0]?.expression) : undefined;
}

function nameOf(node: Node): string {
  for (const key of ['identifier', 'key'] as const) {
    const named = (node as unknown as Record<string, unknown>)[key];
    if (typeof named === 'object' && named !== null && 'value' in named) return String(named.value);
  }
  return node.type === 'Constructor' ? 'constructor' : 'anonymous function';
}

/** Line numbers from swc's byte positions, which go on counting from one parsed text to the next. */
function lineFinder(text: string, start: number): (position: number) => number {
  const bytes = Buffer.from(text);
  const lineEnds: number[] = [];
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lineEnds.push(at);
  return (position) => {
    const offset = position - start;
    const index = lineEnds.findIndex((end) => end >= offset);
    return (index === -1 ? lineEnds.length : index) + 1;
  };
}

export function readSyntax(text: string): Syntax {
  // Comments are outside the tree: an empty statement in front puts its start at the text's.
  const shebang = text.replace(/^#!/, '//');
  const probe = `;${shebang}`;
  const tree = parseSync(probe, { syntax: 'typescript', target: 'esnext', decorators: false });
  const lineOf = lineFinder(probe, tree.span.start);
  const syntax: Syntax = { specifiers: [], inlineTypeImports: [], functions: [], texts: [] };
  for (const node of walk(tree.body)) {
    const firstLine = lineOf(node.span.start);
    const specifier = specifierOf(node);
    if (specifier !== undefined) syntax.specifiers.push(specifier);
    if (node.type === 'TsImportType') syntax.inlineTypeImports.push(firstLine);
    if (functionTypes.has(node.type)) {
      const lines = lineOf(node.span.end) - firstLine + 1;
      syntax.functions.push({ name: nameOf(node), firstLine, lines });
    }
    const value = node.type === 'StringLiteral' ? literal(node) : undefined;
    const cooked =
      node.type === 'TemplateElement' ? (node as unknown as { cooked: string }).cooked : undefined;
    const content = value ?? cooked;
    if (content !== undefined) syntax.texts.push({ value: content, line: firstLine });
  }
  return syntax;
}
