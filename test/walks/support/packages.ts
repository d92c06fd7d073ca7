/** The Debian packages a walk needs: without them it fails where CI=true and is skipped elsewhere, naming them. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';

export const installerFolder = '/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64';
export const rescueFolder = '/usr/lib/grub-rescue';

/** A file that only the package brings. */
const evidence = {
  curl: '/usr/bin/curl',
  'debian-installer-12-netboot-amd64': `${installerFolder}/initrd.gz`,
  e2fsprogs: '/usr/sbin/mke2fs',
  genisoimage: '/usr/bin/genisoimage',
  'grub-rescue-pc': `${rescueFolder}/grub-rescue-cdrom.iso`,
  'python3-glanceclient': '/usr/bin/glance',
  'python3-openstackclient': '/usr/lib/python3/dist-packages/openstackclient/image/v2/image.py',
  'python3-openstacksdk': '/usr/lib/python3/dist-packages/openstack/image/v2/_proxy.py',
  'qemu-utils': '/usr/bin/qemu-img',
} as const;

export type DebianPackage = keyof typeof evidence;

/** Like `describe`, on a machine that has the packages. */
export function walk(name: string, packages: readonly DebianPackage[], body: () => void): void {
  const missing = packages.filter((one) => !existsSync(evidence[one]));
  if (missing.length === 0) {
    describe(name, body);
    return;
  }
  const sentence = `Missing Debian packages: install them with apt-get install ${missing.join(' ')}`;
  if (process.env.CI === 'true') it(name, () => assert.fail(sentence));
  else it(name, { skip: sentence }, () => {});
}
