"""python3-etcd3 with a name and a password, on one follower, also while the leader dies. Prints a JSON line for everything it sees.

Arguments: port of the member to use, ports of all members, prefix of the keys. The user alice:wonder may do everything below PREFIX/alice.
"""
import json
import os
import sys
import time
import traceback

import etcd3
from etcd3 import etcdrpc

PORT, PREFIX = int(sys.argv[1]), sys.argv[3]


def note(name, **seen):
    print(json.dumps({"name": name, **seen}), flush=True)


def ask(wish):
    print(json.dumps({"ask": wish}), flush=True)
    sys.stdin.readline()


def attempt(name, action):
    """The client maps some codes to exceptions of its own and lets others through."""
    try:
        note(name, result=str(action()))
    except etcd3.exceptions.Etcd3Exception as error:
        note(name, error=type(error).__name__)
    except Exception as error:  # grpc.RpcError with a code
        code = getattr(error, "code", lambda: None)()
        note(name, error=getattr(code, "name", type(error).__name__), details=getattr(error, "details", lambda: "")())


def until(action):
    end = time.monotonic() + 40
    while True:
        try:
            return action()
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def log_in(user, password):
    """The client sends its token twice, as metadata and as credentials of the call, and the packaged grpc sends those over TLS only."""
    client = etcd3.client(host="127.0.0.1", port=PORT, timeout=10, user=user, password=password)
    client.call_credentials = None
    client.watcher = etcd3.watch.Watcher(etcdrpc.WatchStub(client.channel), timeout=client.timeout, metadata=client.metadata)
    return client


try:
    attempt("wrong password", lambda: log_in("alice", "wrong"))
    anybody = etcd3.client(host="127.0.0.1", port=PORT, timeout=10)
    attempt("without a name", lambda: anybody.get(PREFIX + "alice"))
    alice = log_in("alice", "wonder")
    attempt("put", lambda: bool(alice.put(PREFIX + "alice/a", "1")))
    attempt("get", lambda: alice.get(PREFIX + "alice/a")[0].decode())
    attempt("put outside", lambda: alice.put(PREFIX + "other", "1"))
    attempt("get outside", lambda: alice.get(PREFIX + "other"))
    attempt("transaction that compares outside", lambda: alice.put_if_not_exists(PREFIX + "other", "1"))
    lock = alice.lock("x", ttl=10)
    attempt("lock outside", lambda: lock.acquire(timeout=5))
    lease = alice.lease(30)
    attempt("put with a lease", lambda: bool(alice.put(PREFIX + "alice/leased", "1", lease=lease)))
    attempt("refresh", lambda: [each.TTL for each in lease.refresh()])
    attempt("status", lambda: bool(alice.status().version))
    events, cancel = alice.watch(PREFIX + "alice/", range_end=PREFIX + "alice0", start_revision=1)
    note("watch", first=next(events).value.decode())
    cancel()
    ask("kill the leader")
    until(lambda: alice.put(PREFIX + "alice/b", "after"))
    attempt("the login outlives the leader", lambda: until(lambda: alice.get(PREFIX + "alice/b"))[0].decode())
    attempt("and its limits too", lambda: alice.get(PREFIX + "other"))
    ask("start it again")
    attempt("revoke", lambda: lease.revoke())
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)   # the threads of the client would keep the process alive
os._exit(0)
