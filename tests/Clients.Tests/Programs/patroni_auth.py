"""Patroni's own client for etcd v3 with a name and a password. Ends with 0 when it logged in, kept its member key alive and took the lock.

Arguments: port, namespace. The user patroni:wonder may do everything below the namespace.
"""
import logging
import os
import sys
import traceback

logging.basicConfig(level=logging.INFO)

from patroni.dcs.etcd3 import Etcd3

PORT, NAMESPACE = sys.argv[1], sys.argv[2]

try:
    # Without use_proxies it asks for the list of members first, and logs in after that.
    store = Etcd3({"name": "one", "scope": "c", "namespace": NAMESPACE, "ttl": 30, "loop_wait": 1, "retry_timeout": 10,
                   "hosts": [f"127.0.0.1:{PORT}"], "use_proxies": True, "username": "patroni", "password": "wonder"})
    assert store.touch_member({"state": "running"})
    assert store.attempt_to_acquire_leader()
    cluster = store.get_cluster(True) if store.get_cluster.__code__.co_argcount > 1 else store.get_cluster()
    assert cluster.leader.name == "one" and len(cluster.members) == 1, cluster
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
os._exit(0)
