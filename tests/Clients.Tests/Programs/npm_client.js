// npm's etcd3 (gRPC) on all members. Prints a JSON line for everything it sees.
// Arguments: port of a follower (not used: this client knows all members), ports of all members, prefix of the keys.
'use strict';
const { Etcd3 } = require('etcd3');
const readline = require('node:readline');

const [ports, prefix] = process.argv.slice(3);
const hosts = ports.split(',').map(port => `http://127.0.0.1:${port}`);
const client = new Etcd3({ hosts, dialTimeout: 5000 });
const mine = client.namespace(prefix);
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const patience = 40_000;

const note = (name, seen) => console.log(JSON.stringify({ name, ...seen }));
const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

async function ask(wish) {
  console.log(JSON.stringify({ ask: wish }));
  await answers.next();
}

async function attempt(name, action) {
  try {
    note(name, { result: await action() ?? null });
  } catch (error) {
    note(name, { error: error.constructor.name });
  }
}

/** Whoever calls while there is no leader may be refused, and calls again. */
async function until(action) {
  for (const end = Date.now() + patience; ; await sleep(100)) {
    try {
      return await action();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

async function waitFor(what, condition) {
  for (const end = Date.now() + patience; !await condition(); await sleep(50))
    if (Date.now() > end) throw new Error(`never came true: ${what}`);
}

/** Events of one watcher as they come. */
function collect(watcher) {
  const seen = [];
  const before = previous => previous ? ` after ${previous.value}` : '';
  watcher.on('put', (now, previous) => seen.push(`put ${now.key}=${now.value}${before(previous)}`));
  watcher.on('delete', (now, previous) => seen.push(`delete ${now.key}${before(previous)}`));
  return seen;
}

async function keys() {
  await mine.put('a').value('1');
  await attempt('previous value', async () => (await mine.put('a').value('2').getPrevious()).value.toString());
  await attempt('get', () => mine.get('a').string());
  await attempt('get a number', () => mine.get('a').number());
  await attempt('get missing', () => mine.get('missing').string());
  await mine.put('b').value(JSON.stringify({ deep: [1, 2] }));
  await attempt('get JSON', () => mine.get('b').json());
  await attempt('exists', async () => [await mine.get('a').exists(), await mine.get('missing').exists()]);
  await attempt('get all', () => mine.getAll().strings());
  await attempt('keys', () => mine.getAll().keys());
  await attempt('count', () => mine.getAll().count());
  await attempt('sorted and limited', () => mine.getAll().sort('Mod', 'Descend').limit(1).keys());
  await attempt('touch', () => mine.put('a').touch().then(() => mine.get('a').string()));
  await attempt('touch what is not there', () => mine.put('missing').touch());
  await attempt('delete', async () => (await mine.delete().key('b')).deleted);
  await attempt('delete with previous', async () => (await mine.delete().key('a').getPrevious()).map(kv => kv.value.toString()));
  await mine.put('x/1').value('1');
  await mine.put('x/2').value('2');
  await attempt('delete a prefix', async () => (await mine.delete().prefix('x/')).deleted);
  await attempt('empty key', () => client.put('').value('1'));
}

async function transactions() {
  await mine.put('t').value('1');
  const branch = () => mine.if('t', 'Value', '==', '1').and('t', 'Version', '>', 0).then(mine.put('t').value('2'), mine.get('t')).else(mine.get('t')).commit();
  for (const name of ['transaction', 'transaction whose condition fails'])
    await attempt(name, async () => {
      const answer = await branch();
      return { succeeded: answer.succeeded, kinds: answer.responses.map(each => each.response) };
    });
  const increment = () => mine.stm({ retries: 50 }).transact(async tx => tx.put('n').value(1 + (await tx.get('n').number() ?? 0)));
  await attempt('software transactions', async () => {
    await Promise.all(Array.from({ length: 8 }, increment));
    return mine.get('n').number();
  });
}

async function watches() {
  const first = (await mine.put('w').value('1')).header.revision;
  await mine.put('w').value('2');
  await mine.delete().key('w');
  const past = await mine.watch().key('w').withPreviousKV().startRevision(first).create();
  const seenPast = collect(past);
  await waitFor('the past', () => seenPast.length === 3);
  note('watch of the past', { seen: seenPast });
  const live = await mine.watch().prefix('live/').create();
  const seenLive = collect(live), puts = await mine.watch().prefix('live/').only('put').create(), seenPuts = collect(puts);
  await past.cancel();   // the others share its stream and must not be disturbed
  await mine.put('live/1').value('a');
  await mine.delete().key('live/1');
  await mine.if('live/2', 'Version', '==', 0).then(mine.put('live/2').value('b'), mine.put('live/3').value('c')).commit();
  await waitFor('the live events', () => seenLive.length === 4 && seenPuts.length === 3);
  note('watch of a prefix', { seen: seenLive });
  note('watch without deletes', { seen: seenPuts });
  await live.cancel();
  await puts.cancel();
}

async function leases() {
  const lease = client.lease(30, { autoKeepAlive: false });
  const id = await lease.grant();
  await lease.put(`${prefix}leased`).value('1');
  await attempt('keep alive once', async () => (await lease.keepaliveOnce()).TTL);
  await attempt('time to live', async () => {
    const answer = await client.leaseClient.leaseTimeToLive({ ID: id, keys: true });
    return { granted: answer.grantedTTL, keys: answer.keys.map(key => key.toString()) };
  });
  await attempt('leased key', () => mine.get('leased').string());
  await lease.revoke();
  await attempt('leased key after the revocation', () => mine.get('leased').string());
  const lost = client.lease(5);
  let losses = 0;
  lost.on('lost', () => losses++);
  const lostId = await lost.grant();
  await client.leaseClient.leaseRevoke({ ID: lostId });
  await waitFor('the loss', () => losses > 0);   // noticed at the next renewal
  note('a lease that another revoked is reported lost', { losses });
}

async function locks() {
  const lock = mine.lock('lock').ttl(10), other = mine.lock('lock').ttl(10);
  await lock.acquire();
  await attempt('acquire what is held', async () => { await other.acquire(); });
  await lock.release();
  await attempt('acquire what was released', async () => { await other.acquire(); return 'held'; });
  await other.release();
  await attempt('do', () => mine.lock('lock').do(() => 'done under the lock'));
}

async function elections() {
  const name = `${prefix}election`, first = new Etcd3({ hosts }), second = new Etcd3({ hosts });
  const observer = await client.election(name, 10).observe(), changes = [];
  observer.on('change', value => value && changes.at(-1) !== value && changes.push(value));
  const one = first.election(name, 10).campaign('one');
  await one.wait();
  // The observer looks at every candidate's key until it has found its first leader: it must have, before there is another.
  await waitFor('the observer', () => observer.leader() === 'one');
  const two = second.election(name, 10).campaign('two');
  let elected = false;
  two.on('elected', () => { elected = true; });
  await two.getCampaignKey();
  await attempt('who leads', () => client.election(name).leader());
  await one.proclaim('one again');
  await waitFor('the proclamation', () => changes.includes('one again'));
  note('the second waits', { elected });
  await one.resign();
  await waitFor('the second to lead', () => elected && changes.includes('two'));
  note('what the observer saw', { changes });
  await two.resign();
  await observer.cancel();
  first.close();
  second.close();
}

async function leaderDies() {
  const watcher = await mine.watch().key('counter').create(), seen = [];
  // A write that was refused without anybody knowing whether it happened may come twice.
  watcher.on('put', event => seen.at(-1) !== event.value.toString() && seen.push(event.value.toString()));
  watcher.on('error', error => note('the watcher failed', { error: error.message }));
  const lease = client.lease(4), lock = mine.lock('held').ttl(5);
  let lost = false;
  lease.on('lost', () => { lost = true; });
  await lease.grant();
  await lease.put(`${prefix}kept`).value('1');
  await lock.acquire();
  const write = async (from, to) => { for (let n = from; n < to; n++) await until(() => mine.put('counter').value(n)); };
  await write(0, 20);
  await ask('kill the leader');
  await write(20, 60);
  await sleep(6000);   // longer than the lease lives that nobody renews
  note('the lease lives', { lost, there: await until(() => mine.get('kept').exists()) });
  await attempt('the lock is held', () => until(() => mine.get('held').exists()));
  await ask('start it again');
  await write(60, 80);
  await waitFor('the last event', () => seen.at(-1) === '79');
  note('every write was seen once, in order', { all: seen.every((value, n) => value === String(n)) && seen.length === 80 });
  await until(() => lock.release());
  await until(() => lease.revoke());
  await attempt('the leased key is gone', () => until(() => mine.get('kept').string()));
  await watcher.cancel();
}

async function cluster() {
  await attempt('members', async () => (await client.cluster.memberList({})).members.map(each => each.name).sort());
  await attempt('status', async () => {
    const status = await client.maintenance.status();
    return { version: status.version, leads: status.leader !== '0', size: Number(status.dbSize) > 0 };
  });
  await attempt('alarms', async () => (await client.maintenance.alarm({ action: 'Get', memberID: '0', alarm: 'None' })).alarms);
}

async function main() {
  for (const part of [keys, transactions, watches, leases, locks, elections, cluster, leaderDies]) await part();
  client.close();
}

main().then(() => process.exit(0), error => {
  console.error(error);
  process.exit(1);
});
