"""Prints the notifications that oslo.messaging's own listener gets from a broker, one JSON document a line."""
import json
import sys

from oslo_config import cfg
import oslo_messaging

url = sys.argv[1]
conf = cfg.ConfigOpts()
conf([])
oslo_messaging.set_transport_defaults("glance")
transport = oslo_messaging.get_notification_transport(conf, url=url)


class Endpoint:
    def told(self, priority, publisher_id, event_type, payload, metadata):
        line = {"priority": priority, "publisher_id": publisher_id, "event_type": event_type,
                "payload": payload, "metadata": metadata}
        print(json.dumps(line), flush=True)

    def info(self, _context, publisher_id, event_type, payload, metadata):
        self.told("info", publisher_id, event_type, payload, metadata)

    def error(self, _context, publisher_id, event_type, payload, metadata):
        self.told("error", publisher_id, event_type, payload, metadata)


targets = [oslo_messaging.Target(exchange="glance", topic="notifications")]
listener = oslo_messaging.get_notification_listener(transport, targets, [Endpoint()], executor="threading")
# One thread: several would print what comes together in any order.
listener.start(override_pool_size=1)
sys.stdin.read()
listener.stop()
listener.wait()
