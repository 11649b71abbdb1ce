"""python3-etcd3 (gRPC) against one member. Prints a JSON line for everything it sees.

Arguments: host, port, prefix of the keys.
"""
import json
import os
import queue
import sys
import threading
import traceback

import etcd3

HOST, PORT, PREFIX = sys.argv[1], int(sys.argv[2]), sys.argv[3]
client = etcd3.client(host=HOST, port=PORT, timeout=20)


def note(name, **seen):
    print(json.dumps({"name": name, **seen}), flush=True)


def pair(value_and_meta):
    value, meta = value_and_meta
    if meta is None:
        return None
    return {"key": meta.key.decode(), "value": value.decode(), "create_revision": meta.create_revision,
            "mod_revision": meta.mod_revision, "version": meta.version, "lease": meta.lease_id}


def event(each):
    return {"type": type(each).__name__, "key": each.key.decode(), "value": each.value.decode(),
            "mod_revision": each.mod_revision, "version": each.version,
            "previous": each.prev_value.decode() if each.prev_value else None}


def attempt(name, action):
    """The client maps some codes to exceptions of its own and lets others through."""
    try:
        note(name, result=str(action()))
    except etcd3.exceptions.Etcd3Exception as error:
        note(name, error=type(error).__name__)
    except Exception as error:  # grpc.RpcError with a code
        code = getattr(error, "code", lambda: None)()
        note(name, error=getattr(code, "name", type(error).__name__), details=getattr(error, "details", lambda: "")())


def keys():
    a, b = PREFIX + "a", PREFIX + "b"
    note("put", previous=client.put(a, "1").HasField("prev_kv"))
    note("put with prev_kv", previous=client.put(a, "2", prev_kv=True).prev_kv.value.decode())
    note("get", got=pair(client.get(a)))
    note("get missing", got=pair(client.get(PREFIX + "missing")))
    note("serializable get", got=pair(client.get(a, serializable=True)))
    note("put_if_not_exists on a key", done=client.put_if_not_exists(a, "x"))
    note("put_if_not_exists on none", done=client.put_if_not_exists(b, "3"))
    note("replace with the wrong value", done=client.replace(a, "wrong", "x"))
    note("replace", done=client.replace(a, "2", "4"))
    note("get_prefix", got=[pair(each) for each in client.get_prefix(PREFIX)])
    note("get_prefix descending by value", got=[pair(each) for each in client.get_prefix(PREFIX, sort_order="descend", sort_target="value")])
    note("get_prefix keys only", got=[pair(each) for each in client.get_prefix(PREFIX, keys_only=True)])
    note("get_range", got=[pair(each) for each in client.get_range(a, b)])
    note("binary", put=bool(client.put(PREFIX.encode() + b"\xf0\x00", b"\x00\xff")), length=len(client.get(PREFIX.encode() + b"\xf0\x00")[0]))
    note("delete binary", done=client.delete(PREFIX.encode() + b"\xf0\x00"))


def transactions():
    a, c = PREFIX + "a", PREFIX + "c"
    t = client.transactions
    succeeded, responses = client.transaction(
        compare=[t.value(a) == "4", t.version(a) > 0, t.create(c) == 0],
        success=[t.put(c, "5"), t.get(a), t.delete(PREFIX + "b")], failure=[t.get(c)])
    note("transaction", succeeded=succeeded, responses=len(responses), read=[pair(each) for each in responses[1]])
    succeeded, responses = client.transaction(compare=[t.value(a) == "no"], success=[t.put(c, "x")], failure=[t.get(c)])
    note("transaction that fails", succeeded=succeeded, read=[pair(each) for each in responses[0]])


def deletes():
    note("delete", done=client.delete(PREFIX + "c"))
    note("delete again", done=client.delete(PREFIX + "c"))
    client.put(PREFIX + "x/1", "1")
    client.put(PREFIX + "x/2", "2")
    note("delete_prefix", deleted=client.delete_prefix(PREFIX + "x/").deleted)


def watches():
    key = PREFIX + "w"
    first = client.put(key, "1").header.revision
    client.put(key, "2")
    client.delete(key)
    events, cancel = client.watch(key, start_revision=first, prev_kv=True)
    note("watch history", events=[event(next(events)) for _ in range(3)])
    cancel()
    seen = queue.Queue()
    watch_id = client.add_watch_callback(key, seen.put)
    client.put(key, "3")
    arrived = seen.get(timeout=20)
    # One version of the client hands over single events, another a response with a list of them.
    note("watch live", events=[event(each) for each in getattr(arrived, "events", [arrived])])
    client.cancel_watch(watch_id)
    done = []
    waiter = threading.Thread(target=lambda: done.append(event(client.watch_once(key, timeout=20))))
    waiter.start()
    while not done and waiter.is_alive():   # the watch may not be registered at the first put
        client.put(key, "4")
        waiter.join(0.1)
    note("watch once", value=done[0]["value"])
    client.delete(key)


def leases():
    lease = client.lease(30, lease_id=75001)
    note("lease", ttl=lease.ttl, id=lease.id)
    client.put(PREFIX + "leased", "1", lease=lease)
    note("lease info", granted=lease.granted_ttl, near=20 < lease.remaining_ttl <= 30, keys=[key.decode() for key in lease.keys])
    note("refresh", answers=[{"TTL": each.TTL, "ID": each.ID} for each in lease.refresh()])
    lease.revoke()
    note("revoked", got=pair(client.get(PREFIX + "leased")))
    attempt("revoke again", lease.revoke)
    attempt("refresh an unknown lease", lambda: [each.TTL for each in client.refresh_lease(424244)])
    attempt("lease in use", lambda: (client.lease(30, lease_id=75002), client.lease(30, lease_id=75002)))
    client.revoke_lease(75002)
    attempt("unknown lease", lambda: client.put(PREFIX + "leased", "1", lease=424245))


def lock():
    mine = client.lock(PREFIX.strip("/"), ttl=20)
    note("lock", acquired=mine.acquire(timeout=10), held=mine.is_acquired())
    note("unlock", released=mine.release(), held=mine.is_acquired())


def cluster():
    status = client.status()
    note("status", version=status.version, leader=bool(status.leader), size=status.db_size > 0)
    note("members", members=sorted(({"name": each.name, "peers": list(each.peer_urls), "clients": list(each.client_urls)} for each in client.members), key=lambda each: each["name"]))
    note("alarms", alarms=len(list(client.list_alarms())))
    note("hash", hash=client.hash() > 0)
    client.defragment()
    note("defragment")


def compaction():
    revision = client.put(PREFIX + "k", "1").header.revision
    client.put(PREFIX + "k", "2")
    client.compact(revision + 1)
    attempt("compact again", lambda: client.compact(revision + 1))
    attempt("compact the future", lambda: client.compact(revision + 100000))
    attempt("empty key", lambda: client.put("", "1"))
    try:
        events, _ = client.watch(PREFIX + "k", start_revision=revision)
        note("watch a compacted revision", event=event(next(events)))
    except etcd3.exceptions.RevisionCompactedError as error:
        note("watch a compacted revision", error="RevisionCompactedError", compact_revision=error.compacted_revision)


try:
    for part in (keys, transactions, deletes, watches, leases, lock, cluster, compaction):
        part()
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)   # the threads of the client would keep the process alive
os._exit(0)
