"""python3-tooz, driver etcd3 (gRPC) or etcd3gw (JSON gateway). Prints a JSON line for everything it sees.

Arguments: driver, port of the member to use, ports of all members, prefix of the names.
"""
import json
import logging
import os
import sys
import time
import traceback
import warnings

warnings.simplefilter("ignore")   # both drivers announce their own end
logging.disable(logging.CRITICAL)

import etcd3gw
from etcd3gw.client import Etcd3Client
from tooz import coordination

DRIVER, PORT, PREFIX = sys.argv[1], sys.argv[2], sys.argv[4].strip("/").encode()
if DRIVER == "etcd3gw":
    # The packaged driver passes api_path to a function of the packaged etcd3gw that does not take it. The class does.
    etcd3gw.client = Etcd3Client
OPTIONS = "?timeout=10&lock_timeout=6&membership_timeout=6"
URL = f"etcd3://127.0.0.1:{PORT}{OPTIONS}" if DRIVER == "etcd3" else f"etcd3+http://127.0.0.1:{PORT}{OPTIONS}&api_version=v3"
GROUP = PREFIX + b"-group"


def note(name, **seen):
    print(json.dumps({"name": name, **seen}, default=bytes.decode), flush=True)


def ask(wish):
    print(json.dumps({"ask": wish}), flush=True)
    sys.stdin.readline()


def attempt(name, action):
    try:
        note(name, result=action())
    except Exception as error:
        note(name, error=type(error).__name__)


def until(action):
    """Whoever calls while there is no leader may be refused, and calls again."""
    end = time.monotonic() + 40
    while True:
        try:
            return action()
        except (coordination.ToozError, coordination.ToozConnectionError) as error:
            if time.monotonic() > end:
                raise error
        except Exception:   # codes that the drivers let through
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


def wait_for(condition):
    end = time.monotonic() + 40
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"never came true: {condition.__name__}")
        time.sleep(0.1)


def members(coordinator):
    return sorted(coordinator.get_members(GROUP).get())


def groups(one, two):
    attempt("join a group that is not there", lambda: one.join_group(GROUP).get())
    attempt("members of a group that is not there", lambda: members(one))
    attempt("create", lambda: one.create_group(GROUP).get())
    attempt("create again", lambda: two.create_group(GROUP).get())
    attempt("join", lambda: one.join_group(GROUP, {"cores": 2}).get())
    attempt("join again", lambda: one.join_group(GROUP).get())
    attempt("members", lambda: members(two))
    attempt("capabilities", lambda: two.get_member_capabilities(GROUP, b"one").get())
    attempt("capabilities of a stranger", lambda: two.get_member_capabilities(GROUP, b"two").get())
    attempt("update capabilities", lambda: one.update_capabilities(GROUP, {"cores": 4}).get())
    attempt("capabilities after the update", lambda: two.get_member_capabilities(GROUP, b"one").get())
    attempt("update of a stranger", lambda: two.update_capabilities(GROUP, {}).get())
    attempt("leave as a stranger", lambda: two.leave_group(GROUP).get())
    attempt("delete while somebody is in", lambda: two.delete_group(GROUP).get())
    attempt("groups", lambda: GROUP in one.get_groups().get())


def watchers(one, two):
    seen = []
    attempt("watch who joins", lambda: bool(one.watch_join_group(GROUP, lambda event: seen.append(["joined", event.member_id]))))
    attempt("watch who leaves", lambda: bool(one.watch_leave_group(GROUP, lambda event: seen.append(["left", event.member_id]))))
    attempt("run watchers", lambda: one.run_watchers() is not None)
    attempt("the second joins", lambda: two.join_group(GROUP).get())
    attempt("run watchers after a join", lambda: one.run_watchers() is not None)
    attempt("both are members", lambda: members(one))
    attempt("the second leaves", lambda: two.leave_group(GROUP).get())
    attempt("run watchers after a leave", lambda: one.run_watchers() is not None)
    note("what the watchers saw", events=seen)
    attempt("watch who is elected", lambda: one.watch_elected_as_leader(GROUP, lambda event: None))


def locks(one, two):
    mine, theirs = one.get_lock(PREFIX + b"-lock"), two.get_lock(PREFIX + b"-lock")
    attempt("acquire", lambda: mine.acquire())
    attempt("is acquired", lambda: mine.acquired)
    attempt("acquire what another holds", lambda: theirs.acquire(blocking=False))
    attempt("release what another holds", lambda: theirs.release())
    attempt("heartbeat of the lock", lambda: mine.heartbeat())
    attempt("heartbeat of all", lambda: one.heartbeat())
    attempt("release", lambda: mine.release())
    attempt("release again", lambda: mine.release())
    attempt("the other acquires", lambda: theirs.acquire())
    attempt("break it", lambda: theirs.break_())
    attempt("release what was broken", lambda: theirs.release())
    attempt("shared", lambda: mine.acquire(shared=True))


def leader_dies(one):
    """A member and a holder of a lock that goes on with its heartbeats stays both."""
    lock = one.get_lock(PREFIX + b"-held")
    note("acquire before the leader dies", done=lock.acquire())
    one.heart.start()
    ask("kill the leader")
    # Longer than a lease lives that nobody renews.
    end = time.monotonic() + 8
    while time.monotonic() < end:
        until(lambda: members(one))
        time.sleep(0.1)
    note("still a member", members=until(lambda: members(one)))
    note("still alive", heart=one.heart.is_alive())
    other = coordination.get_coordinator(URL, b"three")
    until(other.start)
    attempt("still the holder", lambda: other.get_lock(PREFIX + b"-held").acquire(blocking=False))
    attempt("join without the old leader", lambda: until(lambda: other.join_group(GROUP).get()))
    attempt("members without the old leader", lambda: members(other))
    ask("start it again")
    attempt("release after the leader died", lambda: until(lock.release))
    attempt("another acquires it then", lambda: until(lambda: other.get_lock(PREFIX + b"-held").acquire()))
    one.heart.stop()
    one.heart.wait()

    def only_one_is_left():
        return until(lambda: members(one)) == [b"one"] if DRIVER == "etcd3" else True
    # One of the drivers takes its member with it when it stops, the other leaves that to the lease.
    attempt("the third stops", lambda: other.stop())
    wait_for(only_one_is_left)


def silence(one, two):
    """Whoever sends no heartbeat is no member any more after a while."""
    until(lambda: two.join_group(GROUP).get())

    def the_second_is_out():
        one.heartbeat()
        return b"two" not in members(one)
    wait_for(the_second_is_out)
    note("the silent one is out", members=[each for each in members(one) if each != b"three"])


def endings(one):
    attempt("leave", lambda: one.leave_group(GROUP).get())

    def nobody_is_left():
        return members(one) == []
    wait_for(nobody_is_left)
    attempt("delete", lambda: one.delete_group(GROUP).get())
    attempt("delete again", lambda: one.delete_group(GROUP).get())
    attempt("stop", lambda: one.stop())


try:
    first, second = coordination.get_coordinator(URL, b"one"), coordination.get_coordinator(URL, b"two")
    first.start()
    second.start()
    groups(first, second)
    watchers(first, second)
    locks(first, second)
    silence(first, second)
    leader_dies(first)
    endings(first)
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)   # the threads of the client would keep the process alive
os._exit(0)
