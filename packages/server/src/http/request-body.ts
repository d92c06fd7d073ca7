/** Reading JSON bodies, and leaving image data alone. */
import type { IncomingMessage } from 'node:http';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Failure } from '../base/failure.ts';
import { requestChunks } from '../base/request-chunks.ts';
import { isStorable } from '../base/text.ts';

/** Bytes of the largest JSON document. */
const jsonLimit = 1024 * 1024;

async function collect(body: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw new Failure('body_too_large', `The document is larger than ${limit} bytes.`);
    // A chunk is not ours any more once the next is asked for.
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

/** Names that would reach into an object's prototype are refused wherever they stand. */
function refusePrototypes(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new Failure('invalid_json', 'The document has a key "__proto__".');
  return value;
}

/** `what` names the document. Fails with invalid_json. */
export function parseJson(bytes: Uint8Array, what = 'The request body'): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return JSON.parse(text, refusePrototypes);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('invalid_json', `${what} is not valid JSON in UTF-8.`, { cause });
  }
}

/**
 * The document of the request; an empty body is invalid_json. Fails with upload_stalled when nothing arrives
 * for `idleMs`, upload_cut when the connection ends first.
 */
export async function readJson(body: IncomingMessage, idleMs: number): Promise<unknown> {
  return parseJson(await collect(requestChunks(body, { idleMs }), jsonLimit));
}

/**
 * Fails with body_not_allowed when there is one. `announced`: the client waits for leave to send it, which it
 * does only when it has one.
 */
export async function requireNoBody(
  request: IncomingMessage,
  announced: boolean,
  idleMs: number,
): Promise<void> {
  const chunked = request.headers['transfer-encoding'] !== undefined;
  const measured = Number(request.headers['content-length'] ?? 0) > 0;
  if (measured || (chunked && (announced || (await hasData(request, idleMs)))))
    throw new Failure('body_not_allowed', 'This request takes no body.');
}

async function hasData(request: IncomingMessage, idleMs: number): Promise<boolean> {
  for await (const _chunk of requestChunks(request, { idleMs })) return true;
  return false;
}

function holdsOnlyText(value: unknown): boolean {
  if (typeof value === 'string') return isStorable(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => isStorable(key) && holdsOnlyText(inner));
}

interface Problem {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** What is wrong where, in words that tell what is right. */
function sentence({ keyword, instancePath, params, message }: Problem, what: string): string {
  const names = instancePath.slice(1).split('/');
  const place = names.join('.') || what;
  const { allowedValues, allowedValue } = params as { allowedValues?: unknown[]; allowedValue?: unknown };
  if (keyword === 'enum' && allowedValues !== undefined)
    return `${place} must be ${allowedValues.length > 1 ? 'one of ' : ''}${allowedValues.join(', ')}`;
  if (keyword === 'const') return `${place} must be ${allowedValue}`;
  // Where a document has names that its schema does not.
  if (keyword === 'boolean')
    return `${names.slice(0, -1).join('.') || what} must not have '${names.at(-1)!.slice(0, 80)}'`;
  return `${place} ${message}`;
}

/** Reads bodies (`what`) that fit `schema`; fails with bad_request, naming the place that does not. */
export function bodyReader<T extends TSchema>(
  schema: T,
  what = 'The request body',
): (body: unknown) => Static<T> {
  const compiled = Compile(schema);
  return (body) => {
    const [problem] = compiled.Errors(body);
    if (problem !== undefined) throw new Failure('bad_request', `${sentence(problem, what)}.`);
    if (!holdsOnlyText(body)) throw new Failure('bad_request', `${what} has characters that are not text.`);
    return body as Static<T>;
  };
}
