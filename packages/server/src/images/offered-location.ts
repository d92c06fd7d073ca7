/** A location as a client describes it in a patch (API section 3). */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { Failure } from '../base/failure.ts';
import { isStorable } from '../base/text.ts';

/** What the client says the data is. */
export interface ValidationData {
  /** MD5. */
  readonly checksum?: string;
  readonly os_hash_algo: string;
  readonly os_hash_value: string;
}

export interface OfferedLocation {
  readonly url: string;
  /** Without `store`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The store that the metadata names. */
  readonly storeId: string | undefined;
  readonly validation: ValidationData | undefined;
}

/** Hex digits by algorithm. */
const digits: Readonly<Record<string, number>> = { md5: 32, sha1: 40, sha256: 64, sha384: 96, sha512: 128 };

const closed = { additionalProperties: false };
const form = Compile(
  Type.Object(
    {
      url: Type.String({ minLength: 1 }),
      metadata: Type.Optional(Type.Record(Type.String({ maxLength: 255 }), Type.String({ maxLength: 255 }))),
      validation_data: Type.Optional(
        Type.Object(
          {
            checksum: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{32}$' })),
            os_hash_algo: Type.String(),
            os_hash_value: Type.String(),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
);

/** Entries of the metadata of one location. */
const mostMetadata = 32;

function invalid(why: string): Failure {
  return new Failure('invalid_attribute', `Invalid location: ${why}.`);
}

/** Fails with invalid_attribute. */
export function readOfferedLocation(value: unknown): OfferedLocation {
  const [error] = form.Errors(value);
  if (error !== undefined)
    throw invalid(`${error.instancePath.slice(1).replaceAll('/', '.')} ${error.message}`);
  const {
    url,
    metadata = {},
    validation_data: validation,
  } = value as {
    url: string;
    metadata?: Record<string, string>;
    validation_data?: ValidationData;
  };
  const entries = Object.entries(metadata);
  if (entries.length > mostMetadata) throw invalid(`its metadata have more than ${mostMetadata} entries`);
  if (!entries.flat().every(isStorable)) throw invalid('its metadata have characters that are not text');
  const { store, ...rest } = metadata;
  return { url, metadata: rest, storeId: store, validation: validation && readValidation(validation) };
}

function readValidation({ checksum, os_hash_algo, os_hash_value }: ValidationData): ValidationData {
  if (!/^[0-9a-f]*$/i.test(os_hash_value)) throw invalid('os_hash_value is not hexadecimal');
  const length = Object.hasOwn(digits, os_hash_algo) ? digits[os_hash_algo] : undefined;
  if (length === undefined) throw invalid(`os_hash_algo is none of ${Object.keys(digits).join(', ')}`);
  if (os_hash_value.length !== length)
    throw invalid(`os_hash_value has ${os_hash_value.length} digits, ${os_hash_algo} has ${length}`);
  return {
    ...(checksum === undefined ? {} : { checksum: checksum.toLowerCase() }),
    os_hash_algo,
    os_hash_value: os_hash_value.toLowerCase(),
  };
}

/** Undefined when nothing is said. Fails with invalid_attribute unless both are given, or none. */
export function readDigest(given: Partial<ValidationData> | undefined): ValidationData | undefined {
  const { os_hash_algo, os_hash_value } = given ?? {};
  if (os_hash_algo === undefined && os_hash_value === undefined) return undefined;
  if (os_hash_algo === undefined || os_hash_value === undefined)
    throw invalid('os_hash_algo and os_hash_value go together');
  return readValidation({ os_hash_algo, os_hash_value });
}

/** Fails with invalid_attribute unless the value is a list of locations. */
export function readOfferedLocations(value: unknown): OfferedLocation[] {
  if (!Array.isArray(value)) throw invalid('the value is no list of locations');
  return value.map(readOfferedLocation);
}
