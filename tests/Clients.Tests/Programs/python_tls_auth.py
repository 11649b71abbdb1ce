"""python3-etcd3 and tooz's driver for it over TLS, as the user of the certificate's common name and with a password beside it. Ends with 0 when everything was as it should be.

Arguments: port, file of the authority, certificate of carol, its key. carol may do everything below /app/, tooz and /locks/; alice:wonder below /app/.
"""
import os
import sys
import traceback
import urllib.parse
import warnings

warnings.simplefilter("ignore")

import etcd3
from tooz import coordination

PORT, AUTHORITY, CERTIFICATE, KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
TLS = {"ca_cert": AUTHORITY, "cert_cert": CERTIFICATE, "cert_key": KEY}


def refused(action):
    try:
        action()
    except Exception:
        return   # which exception depends on the version of the client
    raise AssertionError("a call without permission was let through")


try:
    carol = etcd3.client(host="127.0.0.1", port=PORT, timeout=10, **TLS)
    carol.put("/app/python", "1")
    assert carol.get("/app/python")[0] == b"1"
    refused(lambda: carol.put("/other", "1"))
    alice = etcd3.client(host="127.0.0.1", port=PORT, timeout=10, user="alice", password="wonder", **TLS)
    alice.put("/app/python", "2")
    assert alice.get("/app/python")[0] == b"2"
    refused(lambda: alice.get("tooz/groups/"))   # carol may
    events, cancel = alice.watch("/app/python", start_revision=1)
    assert next(events).value == b"1"
    cancel()

    coordinator = coordination.get_coordinator(f"etcd3://127.0.0.1:{PORT}?" + urllib.parse.urlencode({"timeout": 10, **TLS}), b"one")
    coordinator.start()
    coordinator.create_group(b"computes").get()
    coordinator.join_group(b"computes").get()
    assert coordinator.get_members(b"computes").get() == {b"one"}
    lock = coordinator.get_lock(b"lock")
    assert lock.acquire()
    assert lock.release()
    coordinator.leave_group(b"computes").get()
    coordinator.stop()
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
os._exit(0)
