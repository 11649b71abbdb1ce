"""python3-etcd3 and python3-etcd3gw on one follower while the leader dies. Prints a JSON line for everything it sees.

Arguments: port of the member to use, ports of all members, prefix of the keys.
"""
import json
import os
import sys
import threading
import time
import traceback

import etcd3
from etcd3gw.client import Etcd3Client
from etcd3gw.watch import Watcher

PORT, PREFIX = int(sys.argv[1]), sys.argv[3]
rpc = etcd3.client(host="127.0.0.1", port=PORT, timeout=10)
gateway = Etcd3Client(host="127.0.0.1", port=PORT, timeout=10, api_path="/v3/")
KEY = PREFIX + "counter"


def note(name, **seen):
    print(json.dumps({"name": name, **seen}, default=bytes.decode), flush=True)


def ask(wish):
    print(json.dumps({"ask": wish}), flush=True)
    sys.stdin.readline()


def until(action):
    """Whoever calls while there is no leader may be refused, and calls again."""
    end = time.monotonic() + 40
    while True:
        try:
            return action()
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


class Seen:
    """What one watch saw, in order. A write that was refused without anybody knowing whether it happened may have come twice."""

    def __init__(self):
        self.values, self.changed = [], threading.Condition()

    def add(self, value):
        with self.changed:
            if not self.values or self.values[-1] != value:
                self.values.append(value)
            self.changed.notify_all()

    def wait_for(self, count):
        with self.changed:
            self.changed.wait_for(lambda: self.values[-1:] == [str(count - 1)], timeout=40)
            return self.values == [str(n) for n in range(count)]


def write(client, numbers):
    for n in numbers:
        until(lambda: client.put(KEY, str(n)))


try:
    by_rpc, by_gateway = Seen(), Seen()
    write(rpc, [0])
    first = rpc.get(KEY)[1].mod_revision

    # One version of the client hands over single events, another a response with a list of them.
    rpc.add_watch_callback(KEY, lambda answer: [by_rpc.add(each.value.decode()) for each in getattr(answer, "events", [answer])], start_revision=first)
    Watcher(gateway, KEY, lambda event: by_gateway.add(event["kv"]["value"].decode()), start_revision=first)
    leases = {"etcd3": rpc.lease(4), "etcd3gw": gateway.lease(4)}
    done = threading.Event()

    def refresh():
        while not done.wait(0.5):
            for lease in leases.values():
                until(lease.refresh)

    refreshing = threading.Thread(target=refresh)
    refreshing.start()
    rpc.put(PREFIX + "by etcd3", "1", lease=leases["etcd3"])
    gateway.put(PREFIX + "by etcd3gw", "1", lease=leases["etcd3gw"])
    locks = {"etcd3": rpc.lock(PREFIX.strip("/") + "-etcd3", ttl=20), "etcd3gw": gateway.lock(PREFIX.strip("/") + "-etcd3gw", ttl=20)}
    note("locks", acquired={name: lock.acquire() for name, lock in locks.items()})
    write(gateway, range(1, 20))
    ask("kill the leader")
    write(rpc, range(20, 60))
    write(gateway, range(60, 100))
    time.sleep(6)   # longer than the leases live that nobody renews
    note("keys with leases", there={name: rpc.get(PREFIX + "by " + name)[0] is not None for name in leases})
    note("every write was seen once, in order", by_etcd3=by_rpc.wait_for(100), by_etcd3gw=by_gateway.wait_for(100))
    note("locks are held", held={name: bool(lock.is_acquired()) for name, lock in locks.items()})
    ask("start it again")
    write(gateway, range(100, 120))
    note("and so were those after its return", by_etcd3=by_rpc.wait_for(120), by_etcd3gw=by_gateway.wait_for(120))
    note("locks are released", done={name: bool(until(lock.release)) for name, lock in locks.items()})
    done.set()
    refreshing.join()
    for lease in leases.values():
        lease.revoke()
    note("keys end with their leases", there={name: rpc.get(PREFIX + "by " + name)[0] is not None for name in leases})
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)   # the threads of the clients would keep the process alive
os._exit(0)
