/** URLs that are good for one request to an S3 server, by whoever has them, for a while. */
import type { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';

/** The parts of the SDK's requests that are used here. */
interface SignableRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

interface Presigner {
  presign(request: SignableRequest, options: { readonly expiresIn: number }): Promise<SignableRequest>;
}

type Handler = (args: { request: SignableRequest }) => Promise<unknown>;

interface Interruptible {
  readonly middlewareStack: {
    addRelativeTo(
      middleware: (next: Handler) => Handler,
      options: { name: string; relation: 'before'; toMiddleware: string },
    ): void;
  };
}

/** Of what `client` would send for `command`, for `seconds` from now. Sends nothing, unless credentials have to be fetched. */
export async function presign(client: S3Client, command: GetObjectCommand, seconds: number): Promise<string> {
  const signer = (await client.config.signer()) as unknown as Presigner;
  let signed: SignableRequest | null = null;
  (command as unknown as Interruptible).middlewareStack.addRelativeTo(
    () =>
      async ({ request }) => {
        const headers = { host: request.headers.host!, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
        signed = await signer.presign({ ...request, headers }, { expiresIn: seconds });
        return { response: {}, output: { $metadata: {} } };
      },
    { name: 'presign', relation: 'before', toMiddleware: 'httpSigningMiddleware' },
  );
  await client.send(command);
  return urlOf(signed!);
}

function urlOf({ protocol, hostname, port, path, query = {} }: SignableRequest): string {
  const pairs = Object.entries(query).map((pair) => pair.map(encodeURIComponent).join('='));
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}?${pairs.join('&')}`;
}
