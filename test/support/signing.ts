/** Keys, certificates and signatures as people make them: with the openssl command. */
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Why there can be no test with openssl here, or false. In CI its absence is a failure. */
export function withoutOpenssl(): string | false {
  if (process.env.CI === 'true') return false;
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'the command openssl is not installed';
  }
}

export type KeyKind = `rsa:${number}` | `dsa:${number}` | `ec:${string}`;

export interface CertificateOptions {
  readonly name?: string;
  /** Who issues it; without one it is self-signed. */
  readonly issuer?: Certificate;
  readonly isAuthority?: boolean;
  /** Days from now, negative for the past. */
  readonly from?: number;
  readonly to?: number;
  /** Of the certificate itself. */
  readonly digest?: string;
  /** For a server: a name that it answers to. */
  readonly host?: string;
}

export interface SignOptions {
  /** sha224, sha256, … */
  readonly hash?: string;
  /** Of RSA-PSS: as openssl takes it. */
  readonly salt?: string;
}

/** A private key. */
export interface Key {
  readonly kind: KeyKind;
  readonly file: string;
}

export interface Certificate {
  readonly id: string;
  readonly file: string;
  readonly key: Key;
  readonly pem: Buffer;
  readonly der: Buffer;
}

const configuration = `
[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
policy = anything
rand_serial = yes
[anything]
commonName = supplied
`;

function timeIn(days: number): string {
  const time = new Date(Date.now() + days * 86_400_000).toISOString();
  return `${time.replace(/[-:T]/g, '').slice(0, 14)}Z`;
}

/** A folder in which openssl works; `remove` it in `after`. */
export class SigningDesk {
  readonly folder: string;
  /** Parameters take long to find, and any number of keys can have the same. */
  readonly #dsaParameters = new Map<string, string>();

  constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<SigningDesk> {
    return new SigningDesk(await mkdtemp(path.join(tmpdir(), 'signing-')));
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async makeKey(kind: KeyKind): Promise<Key> {
    const [family, detail] = kind.split(':') as [string, string];
    const file = path.join(this.folder, `${randomUUID()}.key`);
    if (family === 'rsa') await this.#ssl('genrsa', '-out', file, detail);
    else if (family === 'ec') await this.#ssl('ecparam', '-name', detail, '-genkey', '-noout', '-out', file);
    else await this.#ssl('gendsa', '-out', file, await this.#dsa(detail));
    return { kind, file };
  }

  /** Of this key, or of a new one of this kind. */
  async certify(of: Key | KeyKind, options: CertificateOptions = {}): Promise<Certificate> {
    const {
      name = 'Somebody who signs',
      issuer,
      isAuthority = false,
      from = -1,
      to = 1,
      digest = 'sha256',
    } = options;
    const key = typeof of === 'string' ? await this.makeKey(of) : of;
    const id = randomUUID();
    const own = path.join(this.folder, id);
    const host = options.host === undefined ? '' : `subjectAltName = DNS:${options.host}\n`;
    const extensions = `[extensions]\nbasicConstraints = critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}\n${host}`;
    await writeFile(`${own}.cnf`, configuration.replace('index.txt', `${own}.txt`) + extensions);
    await writeFile(`${own}.txt`, '');
    await this.#ssl('req', '-new', '-key', key.file, '-sha256', '-subj', `/CN=${name}`, '-out', `${own}.csr`);
    const by =
      issuer === undefined
        ? ['-selfsign', '-keyfile', key.file]
        : ['-cert', issuer.file, '-keyfile', issuer.key.file];
    const time = ['-startdate', timeIn(from), '-enddate', timeIn(to)];
    const form = ['-batch', '-notext', '-config', `${own}.cnf`, '-extensions', 'extensions', '-md', digest];
    await this.#ssl('ca', ...form, ...by, ...time, '-in', `${own}.csr`, '-out', `${own}.pem`);
    await this.#ssl('x509', '-in', `${own}.pem`, '-outform', 'DER', '-out', `${own}.der`);
    const [pem, der] = await Promise.all([readFile(`${own}.pem`), readFile(`${own}.der`)]);
    return { id, file: `${own}.pem`, key, pem, der };
  }

  /** Base64. RSA keys sign with PSS. */
  async sign(data: Buffer, key: Key, { hash = 'sha256', salt = 'max' }: SignOptions = {}): Promise<string> {
    const own = path.join(this.folder, randomUUID());
    await writeFile(own, data);
    const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', `rsa_pss_saltlen:${salt}`];
    const options = key.kind.startsWith('rsa:') ? pss : [];
    await this.#ssl('dgst', `-${hash}`, '-sign', key.file, ...options, '-out', `${own}.sig`, own);
    return (await readFile(`${own}.sig`)).toString('base64');
  }

  async #dsa(bits: string): Promise<string> {
    const known = this.#dsaParameters.get(bits);
    if (known !== undefined) return known;
    const file = path.join(this.folder, `dsa-${bits}.pem`);
    await this.#ssl('dsaparam', '-out', file, bits);
    this.#dsaParameters.set(bits, file);
    return file;
  }

  async #ssl(...args: string[]): Promise<void> {
    await run('openssl', args, { cwd: this.folder });
  }
}

/** The four properties of an image that is signed so. */
export function signedBy(
  certificate: Pick<Certificate, 'id'>,
  signature: string,
  { keyType = 'RSA-PSS', hashMethod = 'SHA-256' } = {},
): Record<string, string> {
  return {
    img_signature: signature,
    img_signature_hash_method: hashMethod,
    img_signature_key_type: keyType,
    img_signature_certificate_uuid: certificate.id,
  };
}
