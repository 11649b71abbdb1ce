"""python3-etcd3 and python3-etcd3gw over TLS with a client certificate. Ends with 0 when everything was as it should be.

Arguments: port, file of the authority, certificate, key.
"""
import os
import sys
import traceback

import etcd3
from etcd3gw.client import Etcd3Client

# Where these are set, the HTTP library of the gateway's client believes them and not its own argument.
for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(variable, None)

PORT, AUTHORITY, CERTIFICATE, KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]

try:
    rpc = etcd3.client(host="127.0.0.1", port=PORT, timeout=10, ca_cert=AUTHORITY, cert_cert=CERTIFICATE, cert_key=KEY)
    rpc.put("python", "1")
    assert rpc.get("python")[0] == b"1"
    events, cancel = rpc.watch("python", start_revision=1)
    assert next(events).value == b"1"
    cancel()
    assert len(list(rpc.members)) == 3
    gateway = Etcd3Client(host="127.0.0.1", port=PORT, protocol="https", timeout=10, api_path="/v3/", ca_cert=AUTHORITY, cert_cert=CERTIFICATE, cert_key=KEY)
    gateway.put("python", "2")
    assert gateway.get("python") == [b"2"]
    stranger = Etcd3Client(host="127.0.0.1", port=PORT, protocol="https", timeout=10, api_path="/v3/", ca_cert=AUTHORITY)
    try:
        stranger.get("python")
    except Exception:
        pass   # each version of the client has its own for this
    else:
        raise AssertionError("a client without a certificate was let in")
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
os._exit(0)
