/** A certificate from a server of the operator's: one small answer, soon, and no redirects. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { Failure } from '../../../base/failure.ts';
import { refusedCertificate } from '../certificate.ts';
import { largestCertificate, tooLarge } from './source.ts';

export interface DownloadOptions {
  /** File with the certificate authorities to trust instead of the system's. */
  readonly caFile: string | null;
  /** Milliseconds from the question to the last byte of the answer. */
  readonly patienceMs?: number;
}

const standardPatienceMs = 10_000;

function away(cause: unknown): Failure {
  const message = 'The server that keeps the certificates of signers does not answer: try again in a moment.';
  return new Failure('unavailable', message, { cause });
}

export class CertificateDownload {
  readonly #agent: Agent;
  readonly #patienceMs: number;

  constructor({ caFile, patienceMs = standardPatienceMs }: DownloadOptions) {
    this.#patienceMs = patienceMs;
    const ca = caFile === null ? undefined : readFileSync(caFile, 'utf8');
    this.#agent = new Agent({ connect: { ca, timeout: patienceMs }, maxResponseSize: largestCertificate });
  }

  /** Fails as `CertificateSource.fetch` does. */
  async get(id: string, url: string, headers: Record<string, string>, signal: AbortSignal): Promise<Buffer> {
    const { status, data } = await this.#ask(id, url, headers, signal);
    if (status === 200) return data;
    if (status === 404 || status === 410) throw refusedCertificate(id, 'is not known here');
    if (status === 401 || status === 403) throw refusedCertificate(id, 'may not be read by you');
    throw away(new Error(`The server of certificates answered ${status}.`));
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #ask(id: string, url: string, headers: Record<string, string>, signal: AbortSignal) {
    const late = AbortSignal.timeout(this.#patienceMs);
    try {
      const answer = await request(url, {
        dispatcher: this.#agent,
        headers,
        signal: AbortSignal.any([signal, late]),
      });
      return { status: answer.statusCode, data: Buffer.from(await answer.body.arrayBuffer()) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Error && 'code' in error && error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
        throw tooLarge(id);
      throw away(error);
    }
  }
}
