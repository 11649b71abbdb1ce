#!/usr/bin/env python3
"""Loads the options of an OpenStack service as keys, through the JSON gateway: /config/<name>/<group>/<option> = default value as JSON.

    oslo-config-generator --namespace nova.conf --format json > nova-options.json
    python3 load-options.py nova nova-options.json [http://127.0.0.1:2379]

One transaction carries up to 100 puts, so a thousand options take a dozen requests.
"""
import base64
import json
import sys
import urllib.request


def encode(text):
    return base64.b64encode(text.encode()).decode()


def main(name, path, endpoint="http://127.0.0.1:2379"):
    with open(path, encoding="utf-8") as file:
        options = json.load(file)["options"]
    puts = [
        {"request_put": {"key": encode(f"/config/{name}/{group}/{option['dest']}"), "value": encode(json.dumps(option["default"]))}}
        for group, content in sorted(options.items())
        for option in content["opts"]
    ]
    revision = None
    for start in range(0, len(puts), 100):
        body = json.dumps({"success": puts[start:start + 100]}).encode()
        with urllib.request.urlopen(f"{endpoint}/v3/kv/txn", data=body, timeout=10) as answer:
            revision = json.load(answer)["header"]["revision"]
    print(f"{len(puts)} options under /config/{name}/, revision {revision}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
