/** Reads numbers and text out of bytes. Nothing here throws: what is beyond the end reads as zero, or is no match. */

export function u16le(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function u16be(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function u32le(bytes: Uint8Array, at: number): number {
  return (u16le(bytes, at) | (u16le(bytes, at + 2) << 16)) >>> 0;
}

export function u32be(bytes: Uint8Array, at: number): number {
  return ((u16be(bytes, at) << 16) | u16be(bytes, at + 2)) >>> 0;
}

export function u64le(bytes: Uint8Array, at: number): bigint {
  return (BigInt(u32le(bytes, at + 4)) << 32n) | BigInt(u32le(bytes, at));
}

export function u64be(bytes: Uint8Array, at: number): bigint {
  return (BigInt(u32be(bytes, at)) << 32n) | BigInt(u32be(bytes, at + 4));
}

/** Whether the text, one byte a character, stands at `at`. */
export function textAt(bytes: Uint8Array, at: number, text: string): boolean {
  if (bytes.length < at + text.length) return false;
  for (let index = 0; index < text.length; index += 1) {
    if (bytes[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** One character a byte. */
export function latin1(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = '';
  const end = Math.min(to, bytes.length);
  for (let at = from; at < end; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(at + 8192, end)));
  }
  return text;
}

/** One character a byte, up to the first NUL or `length` bytes. */
export function textUpToNul(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return latin1(field, 0, end < 0 ? field.length : end);
}

export function hex(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (const byte of bytes.subarray(from, to)) text += byte.toString(16).padStart(2, '0');
  return text;
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** The same text in memory of its own: a slice would keep alive what it was cut from. For short texts of one-byte characters. */
export function detached(text: string): string {
  return String.fromCharCode(...Array.from(text, (character) => character.charCodeAt(0)));
}

/** Names from the data as they may stand in a message: printable ASCII, not too much of it. */
export function shown(name: string): string {
  const printable = name.replace(/[^\x20-\x7e]/g, '?');
  return printable.length > 80 ? `${detached(printable.slice(0, 77))}...` : printable;
}
