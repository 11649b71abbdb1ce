"""python3-etcd3gw (JSON gateway) against one member. Prints a JSON line for everything it sees.

Arguments: host, port, prefix of the keys.
"""
import json
import os
import queue
import sys
import traceback

from etcd3gw import exceptions
from etcd3gw.client import Etcd3Client
from etcd3gw.utils import _encode
from etcd3gw.watch import Watcher

HOST, PORT, PREFIX = sys.argv[1], int(sys.argv[2]), sys.argv[3]
# Its own default is /v3alpha/, which etcd no longer serves.
client = Etcd3Client(host=HOST, port=PORT, timeout=20, api_path="/v3/")


def note(name, **seen):
    print(json.dumps({"name": name, **seen}, default=bytes.decode), flush=True)


def texts(values):
    return [value.decode() for value in values]


def pairs(values):
    return [{**meta, "key": meta["key"].decode(), "value": value.decode()} for value, meta in values]


def attempt(name, action):
    try:
        note(name, result=str(action()))
    except exceptions.Etcd3Exception as error:
        note(name, error=type(error).__name__, detail=str(error.detail_text or "")[:200])


def keys():
    a, b = PREFIX + "a", PREFIX + "b"
    note("put", done=client.put(a, "1"))
    note("get", got=texts(client.get(a)))
    note("get with metadata", got=pairs(client.get(a, metadata=True)))
    note("get missing", got=texts(client.get(PREFIX + "missing")))
    note("create existing", done=client.create(a, "x"))
    note("create", done=client.create(b, "2"))
    note("replace with the wrong value", done=client.replace(a, "wrong", "x"))
    note("replace", done=client.replace(a, "1", "3"))
    note("get_prefix", got=pairs(client.get_prefix(PREFIX)))
    note("get_prefix descending", got=pairs(client.get_prefix(PREFIX, sort_order="descend", sort_target="create")))
    note("delete", done=client.delete(a))
    note("delete again", done=client.delete(a))
    note("delete_prefix", done=client.delete_prefix(PREFIX))


def transaction():
    key = _encode(PREFIX + "t")
    body = {"compare": [{"key": key, "result": "EQUAL", "target": "VERSION", "version": 0}],
            "success": [{"request_put": {"key": key, "value": _encode("1")}}], "failure": []}
    note("transaction", answer=client.transaction(body))
    note("transaction again", answer=client.transaction(body))


def leases():
    lease = client.lease(ttl=30)
    note("lease", large=lease.id > 0)
    client.put(PREFIX + "leased", "1", lease=lease)
    note("ttl", near=20 < lease.ttl() <= 30, keys=texts(lease.keys()))
    note("refresh", ttl=lease.refresh())
    note("revoke", done=lease.revoke())
    note("revoked", got=texts(client.get(PREFIX + "leased")), ttl=lease.ttl(), refresh=lease.refresh())
    attempt("revoke again", lease.revoke)


def watches():
    key = PREFIX + "w"
    seen = queue.Queue()
    client.put(key, "1")
    first = int(client.get(key, metadata=True)[0][1]["mod_revision"])
    # The client does not say when the watch stands, so it begins in the past.
    events, stop = client.watch(key, start_revision=first)
    client.put(key, "2")
    client.delete(key)
    got = []
    while len(got) < 3:
        got.append(next(events))
    note("watch", events=got)
    stop()
    watcher = Watcher(client, key, seen.put, start_revision=first, prev_kv=True)
    note("watch history", events=[seen.get(timeout=20) for _ in range(3)])
    watcher.stop()


def locks():
    lock = client.lock(PREFIX.strip("/"), ttl=20)
    note("lock", acquired=lock.acquire(), held=lock.is_acquired())
    other = client.lock(PREFIX.strip("/"), ttl=20)
    note("lock of another", acquired=other.acquire())
    note("refresh the lock", ttl=lock.refresh())
    note("unlock", released=lock.release(), held=lock.is_acquired())


def cluster():
    status = client.status()
    note("status", version=status["version"], leader=int(status["leader"]) != 0)
    note("members", members=sorted(({k: v for k, v in each.items() if k != "ID"} for each in client.members()), key=lambda each: each["name"]))


try:
    for part in (keys, transaction, leases, watches, locks, cluster):
        part()
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)   # the watch threads of the client would keep the process alive
os._exit(0)
