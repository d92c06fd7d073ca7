/** The sentences in which metadata definitions are refused. */
import { Failure } from '../base/failure.ts';
import type { Kind } from './definition.ts';

const kindNames: Readonly<Record<Kind, string>> = {
  property: 'property',
  object: 'object',
  tag: 'tag',
  resource_type: 'resource type',
};

/** The same for one that is not there and one that the caller may not see. */
export function namespaceNotFound(name: string): Failure {
  return new Failure('namespace_not_found', `No namespace found with name ${name.slice(0, 255)}.`);
}

export function namespaceExists(name: string): Failure {
  return new Failure('namespace_exists', `There is a namespace ${name} already.`);
}

export function definitionNotFound(namespace: string, kind: Kind, name: string): Failure {
  const what = `${kindNames[kind]} '${name.slice(0, 255)}'`;
  return new Failure('definition_not_found', `Namespace ${namespace} has no ${what}.`);
}

export function definitionExists(namespace: string, kind: Kind, name: string): Failure {
  const what = `${kindNames[kind]} '${name}'`;
  return new Failure(
    'definition_exists',
    `Namespace ${namespace} has ${what} already, or it is given twice.`,
  );
}
