/** Looks for the secrets of a configuration in all that a server says: every byte of its answers, every line of its log. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { loadConfig, printConfig } from '@tintype/server';
import { parse } from 'yaml';

export interface Secret {
  /** Where it is from, such as `stores.1.secretKey`. */
  readonly setting: string;
  readonly value: string;
}

/** Shorter ones stand in many a text by chance. */
const shortest = 8;

/** Settings that name a file with secrets. */
const secretFile = /(credentials|keyring|secret|password)File$/;

/** What is not shown when the configuration in `file` is printed, and what files have that it names for such. */
export async function secretsOf(file: string): Promise<Secret[]> {
  const found: Secret[] = [];
  const add = (setting: string, value: string) => {
    if (value.length >= shortest) found.push({ setting, value });
  };
  const walk = async (setting: string, value: unknown, shown: unknown): Promise<void> => {
    if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value))
        await walk(setting === '' ? name : `${setting}.${name}`, inner, (shown as never)[name]);
    } else if (typeof value === 'string') {
      if (secretFile.test(setting)) for (const secret of await secretsIn(value)) add(setting, secret);
      else if (value !== shown)
        add(setting, setting === 'database.url' ? decodeURIComponent(new URL(value).password) : value);
    }
  };
  await walk('', await loadConfig({ file }), parse(await printConfig({ config: file })));
  return found;
}

/** What stands behind `=` in its lines, or else all of it. */
async function secretsIn(file: string): Promise<string[]> {
  const text = (await readFile(file, 'utf8').catch(() => '')).trim();
  const values = Array.from(text.matchAll(/^.*?=\s*(\S+)\s*$/gm), ([, value]) => value!);
  return values.length > 0 ? values : [text];
}

/** A signed URL has to name whose key it was signed with; that is no secret in it. */
const nameInUrl = Buffer.from('X-Amz-Credential=');

export class SecretWatch {
  readonly #needles: { readonly setting: string; readonly bytes: Buffer }[] = [];
  #longest = 1;
  /** What was told where; never the secret itself. */
  readonly leaks = new Set<string>();

  add({ setting, value }: Secret): void {
    const forms = [
      value,
      encodeURIComponent(value),
      JSON.stringify(value).slice(1, -1),
      Buffer.from(value).toString('base64'),
    ];
    for (const form of new Set(forms)) {
      const bytes = Buffer.from(form);
      this.#needles.push({ setting, bytes });
      this.#longest = Math.max(this.#longest, bytes.length + nameInUrl.length);
    }
  }

  /** `where` is said of what is found, which begins at `from` or after it. */
  look(where: string, text: Buffer, from = 0): void {
    for (const { setting, bytes } of this.#needles)
      for (let at = text.indexOf(bytes, from); at >= 0; at = text.indexOf(bytes, at + 1)) {
        const before = text.subarray(Math.max(0, at - nameInUrl.length), at);
        if (!before.equals(nameInUrl)) this.leaks.add(`${setting} ${where}`);
      }
  }

  /** Looks at what comes piece by piece. */
  follow(where: string): (piece: Buffer) => void {
    let end = Buffer.alloc(0);
    return (piece) => {
      // What is large is not copied: memory is measured, too.
      this.look(where, piece, end.length > 0 ? nameInUrl.length : 0);
      const seam = Buffer.concat([end, piece.subarray(0, this.#longest)]);
      if (end.length > 0) this.look(where, seam);
      const rest = piece.length > this.#longest ? piece : seam;
      end = Buffer.from(rest.subarray(Math.max(0, rest.length - this.#longest)));
    };
  }

  /** Looks at all that the server of this process on `port` sends from now on; the function that this returns ends it. */
  listen(port: number): () => void {
    const accepted = (message: unknown) => {
      const { socket } = message as { socket: Socket };
      if (socket.localPort === port) tap(socket, this.follow('in an answer'));
    };
    subscribe('net.server.socket', accepted);
    return () => void unsubscribe('net.server.socket', accepted);
  }

  /** Looks at all that the server of another process on `port` sends to this one, until the function that this returns is called. */
  hear(port: number): () => void {
    const opened = (message: unknown) => {
      const { socket } = message as { socket: Socket };
      socket.once('connect', () => {
        if (socket.remotePort === port) overhear(socket, this.follow('in an answer'));
      });
    };
    subscribe('net.client.socket', opened);
    return () => void unsubscribe('net.client.socket', opened);
  }
}

function overhear(socket: Socket, look: (piece: Buffer) => void): void {
  const { push } = socket;
  socket.push = (piece, encoding) => {
    if (piece !== null) look(piece);
    return push.call(socket, piece, encoding);
  };
}

type Chunk = { chunk: string | Uint8Array; encoding: BufferEncoding };

function tap(socket: Socket, look: (piece: Buffer) => void): void {
  const bytesOf = ({ chunk, encoding }: Chunk) =>
    typeof chunk === 'string'
      ? Buffer.from(chunk, encoding)
      : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  const { _write: write, _writev: writev } = socket;
  socket._write = (chunk, encoding, done) => {
    look(bytesOf({ chunk, encoding }));
    write.call(socket, chunk, encoding, done);
  };
  socket._writev = (chunks, done) => {
    for (const one of chunks) look(bytesOf(one));
    writev!.call(socket, chunks, done);
  };
}
