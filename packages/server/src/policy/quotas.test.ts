/** Quota files, and what a quota refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkQuota, QuotaFileError, readQuotaFile, unlimited } from './quotas.ts';

const idle = { image_size_total: 0, image_stage_total: 0, image_count_total: 0, image_count_uploading: 0 };

test('projects override the default, quota by quota; -1 lifts one', () => {
  const { standard, projects } = readQuotaFile(`
default: { image_count_total: 10, image_size_total: 1024 }
projects:
  p1: { image_count_total: -1 }
`);
  assert.deepEqual(standard, { ...unlimited, image_count_total: 10, image_size_total: 1024 });
  assert.deepEqual(projects.get('p1'), { ...unlimited, image_size_total: 1024 });
});

test('an empty file limits nothing', () => {
  assert.deepEqual(readQuotaFile('').standard, unlimited);
});

test('broken files are refused with the place', () => {
  assert.throws(() => readQuotaFile('default: { images: 3 }'), /unknown quota "images"/);
  assert.throws(() => readQuotaFile('default: { image_count_total: many }'), /default.image_count_total/);
  assert.throws(() => readQuotaFile('projects: { p1: 3 }'), QuotaFileError);
  assert.throws(() => readQuotaFile('limits: {}'), /unknown key "limits"/);
  assert.throws(() => readQuotaFile('- a'), QuotaFileError);
});

test('up to the limit is allowed, past it is refused with limit, use and demand', () => {
  const quotas = { ...unlimited, image_count_total: 2, image_size_total: 10 };
  checkQuota(quotas, { ...idle, image_count_total: 1 }, 'image_count_total', 1);
  checkQuota(quotas, idle, 'image_count_uploading', 1000);
  assert.throws(() => checkQuota(quotas, { ...idle, image_size_total: 9.5 }, 'image_size_total', 0.75), {
    code: 'quota_exceeded',
    message: 'Quota image_size_total is 10; 9.5 is in use, 0.75 more was asked for.',
  });
});
