"""Drives the whole interface of python3-etcd3 against one server and prints what came of each call.

Run twice, against the real etcd and against ours, the two outputs must be the same line by line. What differs from run to run
(times, sizes, ids that the server draws, the version) is not printed, only what it must be like.
usage: etcd3_talk.py HOST PORT SECTION
"""

import io
import sys
import threading

import etcd3
import grpc

PATIENCE = 30


def show(what, value):
    print(what, value if isinstance(value, (bool, int, str, type(None), list, tuple)) else repr(value))


def attempt(what, call):
    try:
        show(what, call())
    except grpc.RpcError as error:
        print(what, "->", error.code(), error.details())
    except Exception as error:  # what the library raises has no common base
        print(what, "->", type(error).__name__, error)


def pairs(found):
    return [(value, meta.key, meta.version, meta.create_revision, meta.mod_revision, meta.lease_id) for value, meta in found]


def one(found):
    value, meta = found
    return None if meta is None else (value, meta.key, meta.version, meta.create_revision, meta.mod_revision, meta.lease_id)


def response(found):
    return [(kv.key, kv.value, kv.mod_revision) for kv in found.kvs], found.more, found.count, found.header.revision


def events(found):
    return [(type(event).__name__, event.key, event.value, event.version, event.mod_revision) for event in found]


def keys(client):
    show("put", client.put("a", "1").header.revision)
    show("put again", client.put(b"a", b"2", prev_kv=True).prev_kv.value)
    show("put prev_kv of a new key", client.put("b", "1", prev_kv=True).HasField("prev_kv"))
    show("get", one(client.get("a")))
    show("get serializable", one(client.get("a", serializable=True)))
    show("get of what is not there", client.get("absent"))
    show("get_response", response(client.get_response("a")))
    for i in range(5):
        client.put("p/%d" % i, "v%d" % (9 - i))
    show("get_prefix", pairs(client.get_prefix("p/")))
    for order in ("ascend", "descend"):
        for target in ("key", "version", "create", "mod", "value"):
            show("get_prefix %s %s" % (order, target), [m.key for _, m in client.get_prefix("p/", sort_order=order, sort_target=target)])
    show("get_prefix keys_only", pairs(client.get_prefix("p/", keys_only=True)))
    show("get_prefix_response", response(client.get_prefix_response("p/")))
    show("get_range", pairs(client.get_range("p/1", "p/3")))
    show("get_range_response", response(client.get_range_response("p/1", "p/3", sort_order="descend")))
    show("get_range of nothing", pairs(client.get_range("x", "y")))
    show("get_all", pairs(client.get_all()))
    show("get_all_response", response(client.get_all_response(sort_order="descend", sort_target="mod")))
    show("put_if_not_exists", client.put_if_not_exists("n", "1"))
    show("put_if_not_exists again", client.put_if_not_exists("n", "2"))
    show("replace", client.replace("n", "1", "3"))
    show("replace again", client.replace("n", "1", "4"))
    show("delete", client.delete("n"))
    show("delete again", client.delete("n"))
    deleted = client.delete("a", prev_kv=True, return_response=True)
    show("delete with a response", (deleted.deleted, [kv.value for kv in deleted.prev_kvs], deleted.header.revision))
    show("delete_prefix", client.delete_prefix("p/").deleted)
    attempt("put of an empty key", lambda: client.put("", "v"))
    attempt("get of an empty key", lambda: client.get(""))
    attempt("compact", lambda: client.compact(5))
    attempt("compact again", lambda: client.compact(5))
    attempt("compact the future", lambda: client.compact(5000))
    attempt("compact physically", lambda: client.compact(7, physical=True))


def transactions(client):
    t = client.transactions
    client.put("a", "1")
    client.put("a", "2")

    def run(what, compare, success=(), failure=()):
        def call():
            succeeded, answers = client.transaction(compare=list(compare), success=list(success), failure=list(failure))
            return succeeded, [pairs(answer) if isinstance(answer, list) else type(answer).__name__ for answer in answers]
        attempt(what, call)

    for name, compare in (("value", t.value), ("version", t.version), ("create", t.create), ("mod", t.mod)):
        given = {"value": "2", "version": 2, "create": 2, "mod": 3}[name]
        run(name + " equal", [compare("a") == given])
        run(name + " not equal", [compare("a") != given])
        run(name + " less", [compare("a") < given])
        run(name + " greater", [compare("a") > given])
        run(name + " of a range", [compare("a", "c") == given])
    run("success", [t.value("a") == "2"], [t.put("b", "1"), t.get("a"), t.get("a", "z")], [t.put("c", "no")])
    run("failure", [t.value("a") == "1"], [t.put("b", "no")], [t.get("b"), t.delete("b", prev_kv=True), t.get("b")])
    run("delete a range", [], [t.delete("a", "z"), t.get("a", "z")])
    run("nested", [], [t.txn(compare=[t.version("a") == 0], success=[t.put("a", "nested")], failure=[]), t.get("a")])
    run("nested twice", [], [t.txn(compare=[], success=[t.txn(compare=[], success=[t.get("a")], failure=[])], failure=[])])
    run("put with a lease that is not there", [], [t.put("x", "1", lease=12345)])
    run("duplicate keys", [], [t.put("x", "1"), t.put("x", "2")])
    run("too many operations", [], [t.get("x")] * 129)
    lease = client.lease(1000, lease_id=77)
    run("put with a lease", [], [t.put("x", "1", lease=lease), t.put("y", "1", lease=77, prev_kv=True), t.get("x", "z")])


def leases(client):
    lease = client.lease(1000, lease_id=123)
    show("lease", (lease.id, lease.ttl))
    show("granted_ttl", lease.granted_ttl)
    show("remaining_ttl", 900 < lease.remaining_ttl <= 1000)
    client.put("a", "1", lease=lease)
    client.put("b", "1", lease=lease.id)
    show("keys", sorted(lease.keys))
    show("refresh", [(answer.ID, answer.TTL) for answer in lease.refresh()])
    show("refresh_lease", [(answer.ID, answer.TTL) for answer in client.refresh_lease(123)])
    info = client.get_lease_info(123)
    show("get_lease_info", (info.ID, info.grantedTTL, sorted(info.keys)))
    attempt("the same id", lambda: client.lease(1000, lease_id=123).id)
    show("revoke", type(lease.revoke()).__name__)
    show("keys are gone", pairs(client.get_all()))
    attempt("revoke again", lambda: type(client.revoke_lease(123)).__name__)
    show("refresh of what is gone", [(answer.ID, answer.TTL) for answer in client.refresh_lease(123)])
    show("info of what is gone", client.get_lease_info(123).TTL)
    show("an id of the server's choice", client.lease(50).id > 0)
    show("a short time", client.lease(1, lease_id=5).ttl)
    attempt("a long time", lambda: client.lease(9000000001).id)
    attempt("put with a lease that is not there", lambda: client.put("a", "1", lease=999))
    short = client.lease(1, lease_id=6)
    client.put("short", "1", lease=short)
    gone = client.watch_once("short", timeout=PATIENCE, start_revision=client.get_response("short").header.revision + 1)
    show("expired", (type(gone).__name__, gone.key))


def watches(client):
    def after(call):
        threading.Thread(target=call).start()

    client.put("w", "0")
    iterator, cancel = client.watch("w")
    client.put("w", "1")
    client.put("w", "2")
    client.delete("w")
    show("watch", events([next(iterator) for _ in range(3)]))
    cancel()
    show("cancelled", list(iterator))
    client.put("past", "1")
    first = client.get_response("past").header.revision
    client.put("past", "2")
    client.put("past", "3")
    iterator, cancel = client.watch("past", start_revision=first, prev_kv=True)
    show("watch the past", [(type(e).__name__, e.key, e.value, e.prev_value) for e in (next(iterator) for _ in range(3))])
    cancel()
    iterator, cancel = client.watch_prefix("q/")
    client.put("q/1", "1")
    client.put("r", "unseen")
    client.put("q/2", "2")
    show("watch_prefix", events([next(iterator) for _ in range(2)]))
    cancel()
    responses, cancel = client.watch_response("w")
    client.put("w", "3")
    answer = next(responses)
    show("watch_response", (answer.header.revision, events(answer.events)))
    cancel()
    responses, cancel = client.watch_prefix_response("q/")
    client.put("q/3", "3")
    answer = next(responses)
    show("watch_prefix_response", (answer.header.revision, events(answer.events)))
    cancel()
    revision = client.get_response("w").header.revision + 1
    client.put("w", "4")
    show("watch_once", events([client.watch_once("w", timeout=PATIENCE, start_revision=revision)]))
    show("watch_once_response", events(client.watch_once_response("w", timeout=PATIENCE, start_revision=revision).events))
    client.put("q/4", "4")
    show("watch_prefix_once", events([client.watch_prefix_once("q/", timeout=PATIENCE, start_revision=revision)]))
    show("watch_prefix_once_response", events(client.watch_prefix_once_response("q/", timeout=PATIENCE, start_revision=revision).events))
    attempt("watch_once of nothing", lambda: client.watch_once("nothing", timeout=0.2))
    seen = []
    done = threading.Event()

    def callback(answer):
        seen.extend(events(answer.events))
        if len(seen) == 2:
            done.set()

    watch_id = client.add_watch_callback("c", callback)
    client.put("c", "1")
    client.put("c", "2")
    show("add_watch_callback", (done.wait(PATIENCE), seen))
    client.cancel_watch(watch_id)
    seen, done = [], threading.Event()
    watch_id = client.add_watch_prefix_callback("d/", callback)
    client.put("d/1", "1")
    client.put("d/2", "2")
    show("add_watch_prefix_callback", (done.wait(PATIENCE), seen))
    client.cancel_watch(watch_id)
    client.compact(client.get_response("w").header.revision)

    def compacted():
        iterator, cancel = client.watch("w", start_revision=1)
        try:
            return next(iterator)
        except etcd3.exceptions.RevisionCompactedError as error:
            return "compacted at", error.compacted_revision

    attempt("watch of what is compacted", compacted)


def locks(client):
    lock = client.lock("l", ttl=60)
    show("acquire", lock.acquire())
    show("is_acquired", lock.is_acquired())
    show("refresh", [answer.TTL for answer in lock.refresh()])
    other = client.lock("l", ttl=60)
    # The waiting of the library's lock does not fit the tenacity that Debian 12 has: it raises a TypeError, with either server.
    attempt("acquire what is taken", lambda: other.acquire(timeout=0.2))
    show("the other is_acquired", other.is_acquired())
    show("release of what is not held", other.release())
    show("release", lock.release())
    show("acquire what is free", other.acquire(timeout=PATIENCE))
    show("release again", other.release())
    with client.lock("m", ttl=20) as held:
        show("with", held.is_acquired())
    show("after with", held.is_acquired())
    attempt("refresh of what was never held", lambda: client.lock("n").refresh())


def members(client):
    all_members = list(client.members)
    show("members", [(m.id, m.name, list(m.peer_urls), list(m.client_urls)) for m in all_members])
    me = all_members[0]
    show("update", me.update(["http://localhost:2390"]))
    show("updated", [list(m.peer_urls) for m in client.members])
    show("update_member", client.update_member(me.id, ["http://localhost:2380"]))
    attempt("update of nobody", lambda: client.update_member(5, ["http://localhost:2381"]))
    attempt("remove nobody", lambda: client.remove_member(5))
    attempt("add what is there", lambda: client.add_member(["http://localhost:2380"]).name)
    attempt("add with a bad URL", lambda: client.add_member(["nonsense"]).name)


def maintenance(client):
    client.put("a", "1")
    status = client.status()
    show("status", (status.leader.id, status.raft_term > 0, status.raft_index > 0, status.db_size > 0))
    show("hash", client.hash() != 0)
    blob = io.BytesIO()
    client.snapshot(blob)
    show("snapshot", (len(blob.getvalue()) - 32) % 512)


def alarms(client):
    show("list_alarms", [(a.alarm_type, a.member_id) for a in client.list_alarms()])
    show("create_alarm", [(a.alarm_type, a.member_id) for a in client.create_alarm()])
    attempt("put under an alarm", lambda: client.put("a", "1").header.revision)
    show("list_alarms again", [(a.alarm_type, a.member_id) for a in client.list_alarms(alarm_type="no space")])
    show("active_alarms", [[(a.alarm_type, a.member_id) for a in m.active_alarms] for m in client.members])
    show("disarm_alarm", [(a.alarm_type, a.member_id) for a in client.disarm_alarm()])
    attempt("put again", lambda: client.put("a", "1").header.revision)


def defragment(client):
    client.put("a", "1")
    attempt("defragment", client.defragment)
    show("get", one(client.get("a")))


def main():
    host, port, section = sys.argv[1:]
    with etcd3.client(host=host, port=int(port), timeout=PATIENCE) as client:
        globals()[section](client)
    print("done")


main()
