/** GET /v2/events: what happens to the images of a project, for as long as somebody listens. */
import { Failure } from '../base/failure.ts';
import type { Database } from '../database/connect.ts';
import { type Event, isNamed } from '../events/event.ts';
import { eventHead, eventsAfter, placeEvents } from '../events/event-records.ts';
import type { EventFeed } from '../events/feed.ts';
import type { Caller } from '../identity/caller.ts';
import { imageTarget, type Policy } from '../policy/policy.ts';
import type { PropertyProtections } from '../policy/property-protections.ts';
import type { Properties } from './image.ts';

export interface WatchParts {
  readonly database: Database;
  readonly policy: Policy;
  readonly protections: PropertyProtections;
  readonly feed: EventFeed;
}

export interface WatchInput {
  /** Position of the last event that the caller knows; null: of the last one there is. */
  readonly after: number | null;
  /** Types or groups of them; empty: all. */
  readonly types: readonly string[];
  readonly imageId: string | null;
  /** For administrators. */
  readonly allProjects: boolean;
  /** Go on when all there is has been told. */
  readonly follow: boolean;
  /** Milliseconds after which the listener is told that nothing happened. */
  readonly beatMs: number;
}

export interface Told {
  /** Whoever comes back gives it as `after`. */
  readonly position: number;
  /** Null: none that this caller is told of. `missed`: there were some, and they are forgotten. */
  readonly event: Event | 'missed' | null;
}

/** Events read in one go: what a listener who takes nothing holds at most. */
const batch = 50;

/** Fails with forbidden or bad_request before anything is told. Ends when `signal` is aborted or the server stops. */
export async function watchEvents(
  parts: WatchParts,
  caller: Caller,
  input: WatchInput,
  signal: AbortSignal,
): Promise<AsyncGenerator<Told, void, undefined>> {
  const { database, policy } = parts;
  policy.require('get_images', caller, { project_id: caller.projectId });
  if (input.allProjects) policy.require('context_is_admin', caller, {});
  else if (caller.projectId === null)
    throw new Failure('bad_request', 'You have no project: ask for all_projects.');
  // What is committed by now is before all that happens from now on.
  await placeEvents(database);
  const head = await eventHead(database.db);
  const after = input.after ?? head.position;
  const isGap = after < head.forgotten || after > head.position;
  const from = after > head.position ? head.position : Math.max(after, head.forgotten);
  const goal = input.follow ? Number.POSITIVE_INFINITY : head.position;
  return tell(parts, caller, input, { from, goal, isGap: isGap && input.after !== null }, signal);
}

interface Course {
  readonly from: number;
  readonly goal: number;
  readonly isGap: boolean;
}

async function* tell(
  parts: WatchParts,
  caller: Caller,
  input: WatchInput,
  { from, goal, isGap }: Course,
  signal: AbortSignal,
): AsyncGenerator<Told, void, undefined> {
  const { database, feed } = parts;
  const project = input.allProjects ? undefined : caller.projectId!;
  let position = from;
  yield { position, event: isGap ? 'missed' : null };
  for (;;) {
    const upTo = Math.min(Math.max(feed.position, position), goal);
    const scope = { upTo, most: batch, project, imageId: input.imageId ?? undefined };
    for (let isFull = true; isFull && !signal.aborted; ) {
      const events = await eventsAfter(database.db, { ...scope, after: position });
      for (const event of events) {
        position = event.position;
        if (isWanted(input, event) && mayKnow(parts.policy, caller, event))
          yield { position, event: readableBy(parts.protections, caller, event) };
      }
      isFull = events.length === batch;
    }
    position = upTo;
    if (position >= goal || feed.stopped || signal.aborted) return;
    await feed.beyond(position, input.beatMs, signal);
    if (feed.position === position) yield { position, event: null };
  }
}

function isWanted({ types }: WatchInput, { type }: Event): boolean {
  return types.length === 0 || isNamed(types, type);
}

/** What an event is about must be what the caller may see, by the rules of now. */
function mayKnow(policy: Policy, caller: Caller, { type, project, payload }: Event): boolean {
  const own = { project_id: project, owner: project };
  if (type.startsWith('metadef_')) return policy.isAllowed('get_metadef_namespace', caller, own);
  if (isNamed(['image_export', 'image_clone'], type))
    return policy.isAllowed('get_image_action', caller, own);
  if (type.startsWith('task.') && !policy.isAllowed('get_task', caller, own)) return false;
  const { visibility, properties } = payload as { visibility?: string; properties?: Properties };
  const target =
    visibility === undefined
      ? own
      : imageTarget({ owner: project, visibility, properties: { ...properties } });
  return policy.isAllowed('get_image', caller, target);
}

/** Without the properties that are protected from this caller. */
function readableBy(protections: PropertyProtections, caller: Caller, event: Event): Event {
  const { properties } = event.payload as { properties?: unknown };
  if (!event.type.startsWith('image.') || typeof properties !== 'object' || properties === null) return event;
  const all = Object.entries(properties);
  const mine = all.filter(([name]) => protections.isAllowed('read', name, caller));
  if (mine.length === all.length) return event;
  return { ...event, payload: { ...event.payload, properties: Object.fromEntries(mine) } };
}
