"""A real S3 server on 127.0.0.1: OpenStack Swift with its S3 layer, its four servers in one process.

swift-s3.py DIRECTORY PORT ACCOUNT:USER SECRET SMALLEST_PART

PORT 0 takes a free one. Everything it writes is under DIRECTORY, which keeps the objects over restarts; its file system
needs user xattrs. Once it answers it says "ready PORT" on stdout. It ends with whoever holds the other end of its stdin.
"""

import os
import signal
import sys

import eventlet
import eventlet.wsgi

eventlet.monkey_patch()

from swift.common import utils  # noqa: E402

directory, port, access_key, secret, smallest_part = sys.argv[1:]
utils.SWIFT_CONF_FILE = os.path.join(directory, 'swift.conf')  # before anything reads the machine's own

from swift.common import wsgi  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.obj import server as object_server  # noqa: E402

SECTIONS = {
    'catch_errors': '',
    'gatekeeper': '',
    'listing_formats': '',
    's3api': """
location = us-east-1
s3_acl = false
check_bucket_owner = false
dns_compliant_bucket_names = true
max_upload_part_num = 10000
allowable_clock_skew = 900
min_segment_size = %s""" % smallest_part,
    'tempauth': 'user_%s = %s .admin' % (access_key.replace(':', '_'), secret),
    'slo': 'max_manifest_segments = 10000',
}


class Forgetful:
    """tempauth asks for a cache. This one keeps nothing, so that nothing is stale."""

    def get(self, *args, **kwargs):
        return None

    def get_multi(self, keys, *args, **kwargs):
        return [None] * len(keys)

    def set(self, *args, **kwargs):
        pass

    set_multi = delete = set

    def incr(self, key, delta=1, **kwargs):
        return delta

    def decr(self, key, delta=1, **kwargs):
        return 0


def forgetful_factory(global_conf, **conf):
    def wrap(app):
        def call(environ, start_response):
            environ['swift.cache'] = Forgetful()
            return app(environ, start_response)
        return call
    return wrap


def written(name, text):
    path = os.path.join(directory, name)
    with open(path, 'w') as file:
        file.write(text)
    return path


def configuration(role):
    text = """[DEFAULT]
swift_dir = %s
devices = %s/nodes
mount_check = false
fallocate_reserve = 0
disk_chunk_size = 262144
network_chunk_size = 262144
""" % (directory, directory)
    if role != 'proxy':
        return text + """[pipeline:main]
pipeline = %s-server
[app:%s-server]
use = egg:swift#%s
recon_cache_path = %s
""" % (role, role, role, directory)
    filters = ''.join('[filter:%s]\nuse = egg:swift#%s\n%s\n' % (name, name, more) for name, more in SECTIONS.items())
    return text + filters + """[filter:forgetful]
paste.filter_factory = __main__:forgetful_factory
[pipeline:main]
pipeline = catch_errors gatekeeper forgetful listing_formats s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
client_chunk_size = 262144
object_chunk_size = 262144
error_suppression_limit = 1000000
"""


def end_with_parent():
    # The system's own read: a green one waits in a thread's hub of its own, and holds on.
    eventlet.patcher.original('os').read(0, 1)
    os._exit(0)


def main():
    # At a terminal Ctrl-C goes to all: whoever started it ends it, when nothing needs it any more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A thread of the system: a green one would hold up all the others.
    eventlet.patcher.original('threading').Thread(target=end_with_parent, daemon=True).start()
    os.makedirs(os.path.join(directory, 'nodes', 'd1'), exist_ok=True)
    written('swift.conf', '[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = one\ndefault = yes\n')
    utils.validate_configuration()
    sockets = {}
    for role in ('account', 'container', 'object', 'proxy'):
        # Green sockets: the four wait for each other's answers in one process.
        sockets[role] = eventlet.listen(('127.0.0.1', int(port) if role == 'proxy' else 0), backlog=256)
    for role in ('account', 'container', 'object'):
        ring = RingBuilder(4, 1, 0)
        own = {'ip': '127.0.0.1', 'port': sockets[role].getsockname()[1]}
        ring.add_dev(dict(own, id=0, region=1, zone=1, weight=1.0, device='d1', meta='',
                          replication_ip=own['ip'], replication_port=own['port']))
        ring.rebalance()
        ring.get_ring().save(os.path.join(directory, '%s.ring.gz' % role))
    servers = []
    for role, socket in sockets.items():
        path = written('%s.conf' % role, configuration(role))
        conf = wsgi.appconfig(path, name='%s-server' % role)
        more = {'log_name': role}
        if role == 'object':
            object_server.global_conf_callback(conf, more)
        utils.get_logger(conf, role, log_to_console=True, log_route=role)
        app = wsgi.loadapp(path, global_conf=more)
        # Header names as they are: clients look for "ETag".
        servers.append(eventlet.spawn(eventlet.wsgi.server, socket, app, wsgi.NullLogger(), socket_timeout=60,
                                      protocol=wsgi.SwiftHttpProtocol, capitalize_response_headers=False))
    eventlet.sleep(0)
    print('ready %d' % sockets['proxy'].getsockname()[1], flush=True)
    for server in servers:
        server.wait()


class Quiet(utils.logging.NullHandler):
    """In place of the machine's syslog."""

    def __init__(self, *args, **kwargs):
        super().__init__()


utils.ThreadSafeSysLogHandler = Quiet
main()
