/** The JSON Schema of images, as the server describes them. */
import type { Connection } from './connection.ts';
import { ProtocolError } from './errors.ts';

export interface ImageSchema {
  readonly properties: Readonly<
    Record<
      string,
      {
        /** false: a custom property that the schema merely describes. */
        readonly is_base?: boolean;
        readonly [keyword: string]: unknown;
      }
    >
  >;
  readonly [keyword: string]: unknown;
}

export async function imageSchema(connection: Connection, signal?: AbortSignal): Promise<ImageSchema> {
  const schema = await connection.json<Partial<ImageSchema>>({
    method: 'GET',
    path: '/v2/schemas/image',
    signal,
  });
  const { properties } = schema;
  if (typeof properties !== 'object' || properties === null)
    throw new ProtocolError(`${connection.endpoint} answered a schema without properties`);
  return { ...schema, properties };
}
