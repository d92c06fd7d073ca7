/** The policy language: what operators may write, and what it means. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { evaluate, type Rules } from './evaluate.ts';
import { PolicySyntaxError, parseRule } from './language.ts';

const caller = {
  roles: new Set(['member', 'reader']),
  user_id: 'u1',
  project_id: 'p1',
  system_scope: null,
  service_roles: new Set<string>(),
};

function judge(
  rule: unknown,
  target: Record<string, unknown> = {},
  others: Record<string, string> = {},
): boolean {
  const rules: Rules = new Map(Object.entries(others).map(([name, text]) => [name, parseRule(text)]));
  return evaluate(parseRule(rule), rules, caller, target);
}

test('the empty rule and @ let everybody through, ! nobody', () => {
  assert.equal(judge(''), true);
  assert.equal(judge('@'), true);
  assert.equal(judge('!'), false);
  assert.equal(judge([]), true);
});

test('roles are compared without regard to case', () => {
  assert.equal(judge('role:Member'), true);
  assert.equal(judge('role:admin'), false);
  assert.equal(judge('role:%(wanted)s', { wanted: 'READER' }), true);
});

test('attributes of the caller are compared with the target', () => {
  assert.equal(judge('project_id:%(project_id)s', { project_id: 'p1' }), true);
  assert.equal(judge('project_id:%(project_id)s', { project_id: 'p2' }), false);
  assert.equal(judge('project_id:%(absent)s', {}), false, 'a target without the attribute never matches');
  assert.equal(
    judge('domain_id:%(domain_id)s', { domain_id: null }),
    false,
    'what the caller lacks matches nothing',
  );
  assert.equal(judge('system_scope:all'), false);
});

test('constants are compared with the target', () => {
  assert.equal(judge("'public':%(visibility)s", { visibility: 'public' }), true);
  assert.equal(judge('"public":%(visibility)s', { visibility: 'private' }), false);
  assert.equal(judge('None:%(owner)s', { owner: null }), true);
  assert.equal(judge('True:%(protected)s', { protected: true }), true);
});

test('not binds before and, and before or; parentheses before all', () => {
  assert.equal(judge('! or @ and @'), true);
  assert.equal(judge('@ or @ and !'), true);
  assert.equal(judge('(@ or @) and !'), false);
  assert.equal(judge('not ! and not !'), true);
  assert.equal(judge('not (role:member or role:admin)'), false);
  assert.equal(judge('@ OR !'), true);
});

test('rules refer to rules; one that is not there lets nobody through', () => {
  assert.equal(judge('rule:owner', { project_id: 'p1' }, { owner: 'project_id:%(project_id)s' }), true);
  assert.equal(judge('rule:absent'), false);
});

test('the older list form means any of all', () => {
  assert.equal(
    judge([['role:admin'], ['role:member', 'project_id:%(project_id)s']], { project_id: 'p1' }),
    true,
  );
  assert.equal(judge([['role:admin'], 'role:nobody']), false);
});

test('what cannot be understood is refused with the place', () => {
  for (const rule of [
    'role:admin and',
    'and role:admin',
    '(role:admin',
    'role:admin)',
    'nonsense',
    'not',
    "'open",
    3,
    null,
    [[1]],
  ])
    assert.throws(() => parseRule(rule), PolicySyntaxError, String(rule));
  assert.throws(() => parseRule('http://example.test/check'), /asks another server/);
});

test('any text is either parsed or refused with a PolicySyntaxError', () => {
  const word = fc.constantFrom(
    'and',
    'or',
    'not',
    '(',
    ')',
    '@',
    '!',
    'role:a',
    "'x':%(y)s",
    'rule:r',
    '%(',
    "'",
    ' ',
    ':',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(word).map((words) => words.join(' ')),
      ),
      (text) => {
        try {
          evaluate(parseRule(text), new Map(), caller, {});
        } catch (error) {
          assert.ok(error instanceof PolicySyntaxError, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});
