/** Tar archives built byte by byte, for tests. */

export interface Entry {
  readonly name: string;
  readonly content?: Uint8Array | string;
  /** `0`: a file. */
  readonly type?: string;
  /** In the header, when it is not that of the content. */
  readonly size?: number;
}

/** With two zero blocks at the end. */
export function tar(...entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.map(member), Buffer.alloc(1024)]);
}

export function member({ name, content = '', type = '0', size }: Entry): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, 'latin1');
  header.write('0000644\0', 100);
  header.write(`${(size ?? bytes.length).toString(8).padStart(11, '0')}\0`, 124);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc(-bytes.length & 511)]);
}

/** One record of an extended header. */
export function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return `${length}${rest}`;
}

export function ovf(...files: readonly string[]): string {
  const references = files.map((file) => `<File ovf:href="${file}"/>`).join('');
  return `<?xml version="1.0"?><Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"><References>${references}</References></Envelope>`;
}
