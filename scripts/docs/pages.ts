/** The generated pages by file name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderCommandReference } from '@tintype/cli';
import { renderConfig } from './render-config.ts';
import { renderErrors } from './render-errors.ts';
import { renderFormats } from './render-formats.ts';
import { renderOpenApi } from './render-openapi.ts';

export function renderPages(): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  return {
    'cli.md': renderCommandReference(),
    'config.md': renderConfig(),
    'errors.md': renderErrors(),
    'formats.md': renderFormats(),
    'openapi.json': renderOpenApi(manifest.version),
  };
}
