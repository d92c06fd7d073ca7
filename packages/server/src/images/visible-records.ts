/** Who may see an image, in SQL: as its columns say it, and as the index of terms finds it. */
import { sql } from 'kysely';
import type { Reason } from './list-reasons.ts';
import { and, type Condition, or } from './matching-records.ts';
import { ownerTerm, visibilityTerm } from './search-terms.ts';

/**
 * Whether the image is shared with the member of the reason; nothing for a reason without one. Few images are
 * shared with anybody: as an array they are looked up in the index of ids, among other reasons too.
 */
function sharedWith({ member, answer }: Reason): Condition[] {
  if (member === undefined) return [];
  const answered = answer === 'all' ? sql`true` : sql`status = ${sql.lit(answer)}`;
  return [sql`id = ANY (ARRAY(SELECT image_id FROM image_members WHERE member = ${member} AND ${answered}))`];
}

function ownedAndSeen({ owner, visibility }: Reason): Condition[] {
  const conditions: Condition[] = [];
  if (owner !== undefined) conditions.push(sql`owner = ${owner}`);
  if (visibility !== undefined) conditions.push(sql`visibility = ${sql.lit(visibility)}`);
  return conditions;
}

const all = (conditions: readonly Condition[]) => (conditions.length === 0 ? sql`true` : and(conditions));

export function because(reason: Reason): Condition {
  return all([...sharedWith(reason), ...ownedAndSeen(reason)]);
}

function hasTerms(terms: readonly string[]): Condition {
  return sql`search_terms @> ${terms}::text[]`;
}

/** An index finds it: has the terms and those that make it visible, or is shared, with whatever terms. */
function findable(terms: readonly string[], reason: Reason): Condition {
  const { owner, visibility, member } = reason;
  if (member !== undefined) return and(sharedWith(reason));
  const needed = [...terms];
  if (owner !== undefined) needed.push(ownerTerm(owner));
  if (visibility !== undefined) needed.push(visibilityTerm(visibility));
  return hasTerms(needed);
}

/**
 * Has the terms and is visible. A plan that walks the images would compare each with the terms of every reason, so what is
 * cheaper comes before: PostgreSQL asks in the order of the costs that it counts. It also makes up for what `findable`
 * leaves open of the one reason with a member. Most rows are taken to pass a `<>`: what is said twice must not count
 * twice where plans are chosen.
 */
export function visibleWithTerms(terms: readonly string[], reasons: readonly Reason[]): Condition {
  const indexed = or(reasons.map((reason) => findable(terms, reason)));
  const [only, ...others] = reasons;
  if (others.length === 0 && only!.member === undefined) return indexed;
  const possible = and([or(reasons.map((reason) => all(ownedAndSeen(reason)))), hasTerms(terms)]);
  return and([sql`(CASE WHEN ${possible} THEN 1 ELSE 0 END) <> 0`, indexed]);
}
