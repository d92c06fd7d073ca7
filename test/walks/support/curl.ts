/** The Image API by curl, as its documentation shows it. */
import assert from 'node:assert/strict';
import { attempt, run } from './run.ts';

export interface Curl {
  /** The body of the answer; fails unless it is 2xx. */
  json<T>(path: string, ...args: string[]): Promise<T>;
  /** Status and body, whatever they are. */
  ask(path: string, ...args: string[]): Promise<{ status: number; body: string }>;
  /** Creates a record and says its id. */
  create(record: Record<string, unknown>): Promise<string>;
  upload(id: string, file: string, way: UploadWay): Promise<Upload>;
  /** Fails unless the server sends it. */
  download(id: string, file: string, ...args: string[]): Promise<void>;
}

export interface Upload {
  readonly status: number;
  readonly body: string;
  /** Bytes that curl sent. */
  readonly sent: number;
  /** Whether the server said 100 Continue. */
  readonly continued: boolean;
}

/** How curl announces and sends a body. */
const uploadWays = {
  'Content-Length': ['--header', 'Expect:'],
  'Transfer-Encoding: chunked': ['--header', 'Expect:', '--header', 'Transfer-Encoding: chunked'],
  'Expect: 100-continue': ['--header', 'Expect: 100-continue', '--expect100-timeout', '30'],
} as const;
export type UploadWay = keyof typeof uploadWays;
export const uploadWayNames = Object.keys(uploadWays) as UploadWay[];

export function curlTo(url: () => string, token: () => string): Curl {
  const words = (path: string, args: readonly string[]) => [
    ...['curl', '--silent', '--show-error', '--header', `X-Auth-Token: ${token()}`],
    ...[...args, `${url()}${path}`],
  ];
  const ask = async (path: string, ...args: string[]) => {
    const text = await run(words(path, ['--write-out', '\n%{http_code}', ...args]));
    const at = text.lastIndexOf('\n');
    return { status: Number(text.slice(at + 1)), body: text.slice(0, at) };
  };
  const json = async <T>(path: string, ...args: string[]) =>
    JSON.parse(await run(words(path, ['--fail-with-body', ...args]))) as T;
  return {
    ask,
    json,
    async create(record) {
      const body = ['--json', JSON.stringify(record)];
      return (await json<{ id: string }>('/v2/images', ...body)).id;
    },
    async upload(id, file, way) {
      const type = ['--header', 'Content-Type: application/octet-stream'];
      const args = ['--verbose', '--write-out', '\n%{http_code} %{size_upload}', '--upload-file', file];
      const ran = await attempt(words(`/v2/images/${id}/file`, [...args, ...type, ...uploadWays[way]]));
      assert.equal(ran.code, 0, ran.stderr);
      const [, body, status, sent] = /^(.*)\n(\d+) (\d+)$/s.exec(ran.stdout.toString()) ?? [];
      return {
        status: Number(status),
        body: body!,
        sent: Number(sent),
        continued: ran.stderr.includes('< HTTP/1.1 100 Continue'),
      };
    },
    async download(id, file, ...args) {
      const said = await run(words(`/v2/images/${id}/file`, ['--fail', '--output', file, ...args]));
      assert.equal(said, '');
    },
  };
}
