/** The generated page names every command, option, variable and exit code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodeMeanings } from './exit-codes.ts';
import { renderCommandReference } from './index.ts';

test('the reference is whole and valid Markdown', () => {
  const page = renderCommandReference();
  const headings = page.split('\n').filter((line) => line.startsWith('## tintype '));
  assert.equal(headings.length, 55);
  assert.ok(headings.includes('## tintype image tag add'));
  assert.match(page, /^`tintype image upload \[options\] <image> <file>`$/m);
  assert.match(
    page,
    /^\| `--visibility <visibility>` \| .* \(public, private, shared, community, all\) \|$/m,
  );
  assert.match(page, /^\| `--sort <keys>` \| key\[:asc\\\|desc\]/m);
  assert.match(page, /^\| `--role <role>` \| .*; required \|$/m);
  assert.ok(page.includes('TINTYPE_TOKEN_FILE'));
  for (const [code, meaning] of exitCodeMeanings)
    assert.ok(page.includes(`| ${code} | ${meaning} |`), String(code));
  assert.ok(page.endsWith('|\n') && !page.includes('undefined'));
});
