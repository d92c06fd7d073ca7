"""The calls of glanceclient that Nova and Cinder make, one a line.

Started with a URL and identity headers (JSON). Reads lines `["method of client.images", [arguments], {named arguments}]`, and
answers each with a line `{"result": …}` or `{"refused": name of the error, "said": its words}`. `upload` takes the path of a
file for data; `data` resolves with the SHA-256 of it.
"""
import hashlib
import json
import sys

from glanceclient import Client, exc

url, headers = sys.argv[1:]
client = Client('2', url)
# As a proxy in front adds them: what is given as identity_headers is percent-encoded.
client.http_client.session.headers.update(json.loads(headers))
images = client.images


def call(method, arguments, named):
    if method == 'upload':
        with open(arguments[1], 'rb') as data:
            images.upload(arguments[0], data, **named)
        return None
    if method == 'data':
        digest = hashlib.sha256()
        for chunk in images.data(*arguments, **named):
            digest.update(chunk)
        return digest.hexdigest()
    result = getattr(images, method)(*arguments, **named)
    return dict(result) if method in ('create', 'get', 'update', 'add_location') else None


for line in sys.stdin:
    try:
        answer = {'result': call(*json.loads(line))}
    except exc.HTTPException as error:
        answer = {'refused': type(error).__name__, 'said': str(error)}
    print(json.dumps(answer), flush=True)
