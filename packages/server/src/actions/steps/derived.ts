/** What the steps that make other data of what arrived have left to the steps after them. */
import { Failure } from '../../base/failure.ts';
import type { Json, StepContext } from '../../flows/flow.ts';
import type { Image } from '../../images/image.ts';
import type { CopyWanted } from '../kept-formats.ts';

type Formats = Pick<Image, 'disk_format' | 'container_format'>;

/** What was made of an image's data. */
export type Made = Formats & {
  /** Bytes. */
  readonly size: number;
  /** Ends a sentence about the import. */
  readonly how: string;
  /** sha256 in hex of what a guest sees, where that was found out. */
  readonly disk_sha256: string | null;
  /** That the data tells of the image. */
  readonly properties: Readonly<Record<string, string>>;
};

export type Derived = Made & {
  /** In the staging area. */
  readonly key: string;
  /** The formats that the image was declared to have. */
  readonly declared: Formats;
};

/** The step that reads what another image service says of an image. */
export const describeStep = 'describe';

/** The image with the formats that its data is declared to have: its own, or those that it has where it is taken from. */
export function declaredAs(context: Pick<StepContext, 'resultOf'>, image: Image): Image {
  const there = context.resultOf<Formats & Json>(describeStep);
  if (there === undefined) return image;
  return { ...image, disk_format: there.disk_format, container_format: there.container_format };
}

/** In the order in which they follow each other. */
const deriveSteps = ['unpack', 'extract', 'convert'] as const;

/** What each of them made, the last one last. */
export function allDerived(context: Pick<StepContext, 'resultOf'>): Derived[] {
  return deriveSteps
    .map((step) => context.resultOf<Derived & Json>(step) ?? null)
    .filter((derived) => derived !== null);
}

/** What the import goes on with; null: with what arrived. */
export function lastDerived(context: Pick<StepContext, 'resultOf'>): Derived | null {
  return allDerived(context).at(-1) ?? null;
}

/** Finds what the data comes from; null: it is what arrived. */
export type FindDerived = (context: Pick<StepContext, 'resultOf'>) => Derived | null;

/** The step that converts for the stores which want another format than that of the image. */
export function copyStep({ format }: Pick<CopyWanted, 'format'>): string {
  return `convert:${format}`;
}

/** Null: these stores get the data of the image itself. */
export function derivedFor(
  context: Pick<StepContext, 'resultOf'>,
  copy: Pick<CopyWanted, 'format'>,
): Derived | null {
  return context.resultOf<Derived & Json>(copyStep(copy)) ?? null;
}

/** Keys in the staging area of all that was made on the way. */
export function madeKeys(
  context: Pick<StepContext, 'resultOf'>,
  { refinement }: { readonly refinement?: { readonly copies?: readonly CopyWanted[] } | null },
): string[] {
  const copies = (refinement?.copies ?? []).map((copy) => derivedFor(context, copy));
  return [...allDerived(context), ...copies].flatMap((derived) => (derived === null ? [] : [derived.key]));
}

/** The image with the formats of what its data was made into. Fails with format_mismatch when it was declared anew meanwhile. */
export function shapedBy(image: Image, last: Derived | null): Image {
  if (last === null) return image;
  requireDeclared(image, last.declared);
  return { ...image, disk_format: last.disk_format, container_format: last.container_format };
}

/** The data was inspected as one format: it must not become active as another. */
export function requireDeclared(image: Image, declared: Formats): void {
  if (image.disk_format === declared.disk_format && image.container_format === declared.container_format)
    return;
  throw new Failure(
    'format_mismatch',
    'disk_format or container_format was changed while the data was imported: import it again.',
  );
}
