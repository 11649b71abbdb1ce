// npm's etcd3 as administrator and as a user, on all members. Prints a JSON line for everything it sees. Switches authentication on, and off at the end.
// Arguments: port of a follower (not used: this client knows all members), ports of all members, prefix of the keys.
'use strict';
const { Etcd3 } = require('etcd3');

const [ports, prefix] = process.argv.slice(3);
const hosts = ports.split(',').map(port => `http://127.0.0.1:${port}`);
const note = (name, seen) => console.log(JSON.stringify({ name, ...seen }));

async function attempt(name, action) {
  try {
    note(name, { result: await action() ?? null });
  } catch (error) {
    note(name, { error: error.constructor.name });
  }
}

async function main() {
  const anybody = new Etcd3({ hosts }), role = anybody.role('npm-role'), user = anybody.user('npm-user');
  await attempt('create a role', async () => { await role.create(); });
  await attempt('create it again', async () => { await role.create(); });
  await attempt('grant', async () => { await role.grant({ permission: 'Readwrite', ...inPrefix(`${prefix}mine/`) }); });
  await attempt('permissions', async () => (await role.permissions()).map(each => each.permission));
  await attempt('create a user', async () => { await user.create('rabbit'); });
  await attempt('give the role', async () => { await user.addRole(role); });
  await attempt('roles of the user', async () => (await user.roles()).map(each => each.name));
  const root = anybody.user('root');
  await attempt('create root', async () => { await root.create('secret'); });
  await attempt('root gets its role', async () => { await root.addRole('root'); });
  await attempt('enable', async () => { await anybody.auth.authEnable(); });
  await attempt('without a name', () => anybody.get(`${prefix}mine/a`).string());
  const mine = new Etcd3({ hosts, auth: { username: 'npm-user', password: 'rabbit' } });
  await attempt('put', async () => { await mine.put(`${prefix}mine/a`).value('1'); });
  await attempt('get', () => mine.get(`${prefix}mine/a`).string());
  await attempt('get outside', () => mine.get(`${prefix}other`).string());
  const wrong = new Etcd3({ hosts, auth: { username: 'npm-user', password: 'hare' } });
  await attempt('wrong password', () => wrong.get(`${prefix}mine/a`).string());
  const admin = new Etcd3({ hosts, auth: { username: 'root', password: 'secret' } });
  await attempt('root reads outside', () => admin.get(`${prefix}other`).string());
  await attempt('users', async () => (await admin.getUsers()).map(each => each.name).filter(name => name.startsWith('npm-')));
  await attempt('take the role away', async () => { await admin.user('npm-user').removeRole('npm-role'); });
  await attempt('without the role', () => mine.get(`${prefix}mine/a`).string());
  await attempt('disable', async () => { await admin.auth.authDisable(); });
  await attempt('delete the user', async () => { await anybody.user('npm-user').delete(); });
  await attempt('delete the role', async () => { await anybody.role('npm-role').delete(); });
  await attempt('delete root', async () => { await anybody.user('root').delete(); });
  for (const client of [anybody, mine, wrong, admin]) client.close();
}

function inPrefix(key) {
  const end = Buffer.from(key);
  end[end.length - 1]++;
  return { range: { start: Buffer.from(key), end } };
}

main().then(() => process.exit(0), error => {
  console.error(error);
  process.exit(1);
});
