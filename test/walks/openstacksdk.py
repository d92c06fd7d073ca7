"""openstacksdk as Debian ships it walks through the main job.

Called with URL, token (or the word none or keystone), a real image, a second one, a folder to write to. With Keystone who
calls, and where the service is, comes from the environment and the catalogue.
"""
import functools
import hashlib
import http.server
import pathlib
import sys
import threading
import unittest

import openstack
from openstack import exceptions
from openstack import resource

url, token, first, second, folder = sys.argv[1:]
del sys.argv[1:]


def digest(algorithm, path):
    return hashlib.new(algorithm, pathlib.Path(path).read_bytes()).hexdigest()


def connect():
    """Without Keystone the version is found by asking the service."""
    if token == 'keystone':
        return openstack.connect(load_yaml_config=False)
    common = {'image_endpoint_override': url, 'load_yaml_config': False, 'load_envvars': False}
    if token == 'none':
        return openstack.connect(auth_type='none', endpoint=url, **common)
    return openstack.connect(auth_type='admin_token', auth={'endpoint': url, 'token': token}, **common)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


class Walk(unittest.TestCase):
    def setUp(self):
        self.conn = connect()
        self.addCleanup(self.conn.close)
        self.addCleanup(self.delete_all)

    def delete_all(self):
        for image in self.conn.image.images():
            if image.is_protected:
                self.conn.image.update_image(image, is_protected=False)
            self.conn.image.delete_image(image)

    def create(self, name='disc', filename=first, **more):
        return self.conn.image.create_image(
            name, filename=filename, disk_format='iso', container_format='bare', validate_checksum=True, **more)

    def imported(self, image):
        return resource.wait_for_status(self.conn.image, image, 'active', ['killed'], interval=0.2, wait=60)

    def web_source(self, path):
        """Serves the folder of the file as long as the test runs; the URL of the file."""
        handler = functools.partial(Quiet, directory=str(pathlib.Path(path).parent))
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return 'http://127.0.0.1:%d/%s' % (server.server_port, pathlib.Path(path).name)

    def test_finds_the_version_by_asking(self):
        self.assertEqual(self.conn.image.get_endpoint(), url + '/v2/')

    def test_creates_with_its_checksum_properties(self):
        made = self.create(meta={'min_disk': 1}, tags=['rescue'], os_distro='debian')
        image = self.conn.image.get_image(made.id)
        self.assertEqual(image.status, 'active')
        self.assertEqual(image.size, pathlib.Path(first).stat().st_size)
        self.assertEqual(image.checksum, digest('md5', first))
        self.assertEqual(image.hash_algo, 'sha512')
        self.assertEqual(image.hash_value, digest('sha512', first))
        self.assertEqual(image.min_disk, 1)
        self.assertEqual(image.tags, ['rescue'])
        self.assertEqual(image.os_distro, 'debian')
        self.assertEqual(image.properties['owner_specified.openstack.md5'], digest('md5', first))
        self.assertEqual(image.properties['owner_specified.openstack.sha256'], digest('sha256', first))
        self.assertEqual(image.properties['owner_specified.openstack.object'], 'images/disc')

    def test_uploads_again_only_what_has_changed(self):
        made = self.create()
        self.assertEqual(self.create().id, made.id)
        self.assertEqual(len(list(self.conn.image.images())), 1)
        self.assertNotEqual(self.create(allow_duplicates=True).id, made.id)
        self.assertEqual(len(list(self.conn.image.images(name='disc'))), 2)
        with self.assertRaises(exceptions.DuplicateResource):
            self.conn.image.find_image('disc')

    def test_creates_from_bytes(self):
        made = self.conn.image.create_image(
            'poured', data=pathlib.Path(second).read_bytes(), disk_format='raw', validate_checksum=True)
        self.assertEqual(self.conn.image.get_image(made.id).hash_value, digest('sha512', second))

    def test_uploads_in_two_steps(self):
        image = self.conn.image.upload_image(
            name='direct', disk_format='raw', container_format='bare', data=pathlib.Path(second).read_bytes())
        self.assertEqual(self.conn.image.get_image(image.id).status, 'active')

    def test_imports_what_it_creates(self):
        made = self.imported(self.create(use_import=True))
        self.assertEqual(made.hash_value, digest('sha512', first))
        self.assertEqual(made.properties['owner_specified.openstack.sha256'], digest('sha256', first))

    def test_imports_what_was_staged(self):
        image = self.conn.image.create_image('staged', disk_format='iso', container_format='bare')
        self.conn.image.stage_image(image, filename=first)
        self.assertEqual(self.conn.image.get_image(image.id).status, 'uploading')
        self.conn.image.import_image(image)
        self.assertEqual(self.imported(image).hash_value, digest('sha512', first))

    def test_imports_from_the_web(self):
        image = self.conn.image.create_image('fetched', disk_format='iso', container_format='bare')
        self.conn.image.import_image(image, method='web-download', uri=self.web_source(first))
        self.assertEqual(self.imported(image).hash_value, digest('sha512', first))

    def test_shares(self):
        made = self.create(visibility='shared')
        self.conn.image.add_member(made, member_id='neighbours')
        self.assertEqual([(member.member_id, member.status) for member in self.conn.image.members(made)],
                         [('neighbours', 'pending')])
        self.conn.image.remove_member('neighbours', made)
        self.assertEqual(list(self.conn.image.members(made)), [])

    def test_takes_out_of_service_and_back(self):
        made = self.create()
        self.conn.image.deactivate_image(made)
        self.assertEqual(self.conn.image.get_image(made.id).status, 'deactivated')
        self.conn.image.reactivate_image(made)
        self.assertEqual(self.conn.image.get_image(made.id).status, 'active')

    def test_finds_by_name_and_id_and_hidden(self):
        made = self.create()
        self.assertEqual(self.conn.image.find_image('disc').id, made.id)
        self.assertEqual(self.conn.image.find_image(made.id).name, 'disc')
        self.assertIsNone(self.conn.image.find_image('absent'))
        with self.assertRaises(exceptions.ResourceNotFound):
            self.conn.image.find_image('absent', ignore_missing=False)
        self.conn.image.update_image(made.id, is_hidden=True)
        self.assertEqual([image.id for image in self.conn.image.images()], [])
        self.assertEqual([image.id for image in self.conn.image.images(is_hidden=True)], [made.id])
        self.assertEqual(self.conn.image.find_image('disc').id, made.id)
        self.conn.image.update_image(made.id, is_hidden=False)

    def test_lists_page_by_page(self):
        names = ['image-%d' % number for number in range(5)]
        for name in names:
            self.conn.image.create_image(name, disk_format='raw', data=None)
        listed = self.conn.image.images(limit=2, sort='name:asc')
        self.assertEqual([image.name for image in listed], names)
        self.assertEqual([image.name for image in self.conn.image.images(name='image-3')], ['image-3'])
        self.assertEqual(list(self.conn.image.images(status='active')), [])

    def test_updates(self):
        made = self.create()
        self.conn.image.update_image(made, name='renamed', os_distro='debian', min_ram=64, is_protected=True)
        self.conn.image.add_tag(made, 'boot')
        self.conn.image.update_image_properties(made.id, hw_disk_bus='scsi')
        image = self.conn.image.get_image(made.id)
        self.assertEqual(image.name, 'renamed')
        self.assertEqual(image.os_distro, 'debian')
        self.assertEqual(image.min_ram, 64)
        self.assertEqual(image.tags, ['boot'])
        self.assertEqual(image.hw_disk_bus, 'scsi')
        with self.assertRaisesRegex(exceptions.HttpException, '403.*protected and cannot be deleted'):
            self.conn.image.delete_image(made)
        self.conn.image.remove_tag(made, 'boot')
        self.conn.image.update_image(made, is_protected=False)
        self.assertEqual(self.conn.image.get_image(made.id).tags, [])

    def test_downloads_whole_in_pieces_and_to_a_file(self):
        made = self.create()
        whole = self.conn.image.download_image(made)
        self.assertEqual(whole.content, pathlib.Path(first).read_bytes())
        self.assertEqual(whole.headers['Content-MD5'], digest('md5', first))
        pieces = hashlib.sha512()
        response = self.conn.image.download_image(made, stream=True)
        for piece in response.iter_content(chunk_size=65536):
            pieces.update(piece)
        response.close()
        self.assertEqual(pieces.hexdigest(), digest('sha512', first))
        output = pathlib.Path(folder, 'sdk.iso')
        self.conn.image.download_image(made, output=str(output))
        self.assertEqual(digest('sha512', output), digest('sha512', first))

    def test_is_told_why_data_is_refused(self):
        with self.assertRaisesRegex(exceptions.SDKException, 'declared as qcow2, but this looks like an iso image'):
            self.conn.image.create_image('wrong', filename=first, disk_format='qcow2')
        self.assertEqual(list(self.conn.image.images()), [])
        image = self.conn.image.upload_image(name='late', disk_format='qcow2', container_format='bare', data=None)
        image.data = pathlib.Path(first).read_bytes()
        with self.assertRaisesRegex(exceptions.SDKException, 'declared as qcow2'):
            exceptions.raise_from_response(image.upload(self.conn.image))

    def test_walks_the_cloud_layer(self):
        made = self.conn.create_image('cloud', filename=second, disk_format='raw', wait=True, visibility='private')
        self.assertEqual(made.status, 'active')
        self.assertEqual([image.id for image in self.conn.list_images()], [made.id])
        self.assertEqual(self.conn.search_images('cl*')[0].id, made.id)
        self.assertEqual(self.conn.get_image('cloud').id, made.id)
        self.assertTrue(self.conn.update_image_properties(name_or_id='cloud', os_distro='debian'))
        output = pathlib.Path(folder, 'cloud.img')
        self.conn.download_image('cloud', output_path=str(output))
        self.assertEqual(digest('sha512', output), digest('sha512', second))
        self.assertTrue(self.conn.delete_image('cloud', wait=True))
        self.assertIsNone(self.conn.get_image('cloud'))

    def test_deletes(self):
        made = self.create()
        self.conn.image.delete_image(made)
        with self.assertRaises(exceptions.ResourceNotFound):
            self.conn.image.get_image(made.id)
        with self.assertRaises(exceptions.ResourceNotFound):
            self.conn.image.delete_image(made.id, ignore_missing=False)


if __name__ == '__main__':
    unittest.main(verbosity=2, warnings='ignore')
