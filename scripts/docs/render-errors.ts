/** Renders `docs/reference/errors.md` from the fixed list of failure codes. */
import { commonFailures, type FailureCode, failures, routes } from '@tintype/contract';
import { page, table } from './markdown.ts';

const example = {
  error: {
    code: 404,
    title: 'Not Found',
    message: 'There is no image 3f1c5b1e-6a0a-4a57-9a38-0f6f3d1c9b52.',
    reason: 'image_not_found' satisfies FailureCode,
  },
};

/** The operations that name the code as their own. */
function answeredBy(code: string): string {
  if (commonFailures.includes(code as FailureCode)) return 'any';
  return Object.values(routes)
    .filter((route) => (route.failures as readonly string[]).includes(code))
    .map(({ method, path }) => `\`${method} ${path}\``)
    .join(', ');
}

export function renderErrors(): string {
  const rows = Object.entries(failures)
    .sort(([, a], [, b]) => a.status - b.status)
    .map(([code, { status, remedy }]) => [String(status), `\`${code}\``, remedy, answeredBy(code)]);
  return page([
    '# Errors',
    'Every error answer has the same body. `reason` is one of the codes below and never changes its meaning; `message` says what happened this time and is for people.',
    `\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\``,
    'The `x-openstack-request-id` header of the answer finds the request in the server’s log. The client throws an error with the same code; the `tintype` command prints message and remedy.',
    table(['Status', 'Code', 'What to do', 'Answered by'], rows),
    'A code without an operation comes from an upload or a command that ended otherwise than by an answer.',
  ]);
}
