// npm's etcd3 over TLS with a client certificate. Ends with 0 when everything was as it should be.
// Arguments: ports of all members, file of the authority, certificate, key.
'use strict';
const assert = require('node:assert');
const { readFileSync } = require('node:fs');
const { Etcd3 } = require('etcd3');

const [ports, authority, certificate, key] = process.argv.slice(2);
const hosts = ports.split(',').map(port => `https://127.0.0.1:${port}`);

async function main() {
  const client = new Etcd3({ hosts, credentials: { rootCertificate: readFileSync(authority), certChain: readFileSync(certificate), privateKey: readFileSync(key) } });
  await client.put('npm').value('1');
  assert.strictEqual(await client.get('npm').string(), '1');
  const watcher = await client.watch().key('npm').create();
  const seen = new Promise(resolve => watcher.on('put', event => resolve(event.value.toString())));
  await client.put('npm').value('2');
  assert.strictEqual(await seen, '2');
  await watcher.cancel();
  client.close();
  const stranger = new Etcd3({ hosts, credentials: { rootCertificate: readFileSync(authority) }, defaultCallOptions: () => ({ deadline: Date.now() + 1500 }) });
  await assert.rejects(stranger.get('npm').string());
  stranger.close();
}

main().then(() => process.exit(0), error => {
  console.error(error);
  process.exit(1);
});
