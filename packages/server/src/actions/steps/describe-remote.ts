/** Finds an image at another image service and reads its record; nothing is changed, so there is no way back. */
import type { Step, StepContext } from '../../flows/flow.ts';
import type { factsOf } from '../../identity/caller.ts';
import { processTask } from '../../images/task-records.ts';
import { onHeldImage } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';
import type { RegionWanted } from '../regions.ts';
import { type RemoteImage, readRemoteImage } from '../remote-image.ts';
import { describeStep } from './derived.ts';
import type { PlaceInput } from './place.ts';

export type RemoteInput = PlaceInput & {
  readonly remote: { readonly [K in keyof RegionWanted]: string } & { readonly image: string };
  /** Of whoever asked, to show there: not kept once the data is here. */
  readonly token: string | null;
  /** Who asked: what may be copied is up to their roles. */
  readonly caller: ReturnType<typeof factsOf>;
};

export type Described = RemoteImage & {
  /** Without version. */
  readonly endpoint: string;
};

/** Bytes of a record. */
const largest = 1024 * 1024;

export function describeRemote(parts: ActionParts): Step<RemoteInput> {
  return {
    name: describeStep,
    async do(context, { image, remote, token }) {
      await onHeldImage(parts, context, image, (queries) => processTask(queries, context.flow));
      const endpoint = await parts.regions.endpointOf(remote, token);
      const { body } = await parts.regions.fetcherFor(endpoint).open(urlOf(endpoint, remote.image), {
        cap: largest,
        headers: { ...tokenHeader(token), Accept: 'application/json' },
        isPatient: true,
        signal: context.signal,
      });
      const what = `image ${remote.image} of region '${remote.region}'`;
      const { copiedProperties: copied, settings } = parts;
      const record = await textOf(body);
      const described: Described = {
        ...readRemoteImage(what, record, { copied, formats: settings.formats }),
        endpoint,
      };
      return described;
    },
  };
}

/** What the step has found. */
export function described(context: StepContext): Described {
  return context.resultOf<Described>(describeStep)!;
}

export function urlOf(endpoint: string, image: string): string {
  return `${endpoint}/v2/images/${image}`;
}

export function tokenHeader(token: string | null): Record<string, string> {
  return token === null ? {} : { 'X-Auth-Token': token };
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
